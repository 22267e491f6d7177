// The hooks of @coji/durably-react, driven from outside: reads one JSON line `{"verb", ...}` at a
// time from standard input, and prints one for it, `{"ok": VALUE}` or `{"error": TEXT}`.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { opensOfLists, render, streamsOfRunOpen, streamsOpen } from './browser.mjs'

const { useJob, useJobLogs, useJobRun, useRunActions, useRuns } = await import(
  '@coji/durably-react'
)
const { values } = parseArgs({ options: { api: { type: 'string' } } })
const { api } = values

// `running` is what an older server says for `leased`.
const today = (status) => (status === 'leased' ? 'running' : status)
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

let list
let actions
let before
const followed = new Map()
const triggers = new Map()

const verbs = {
  async open() {
    list = render(() => useRuns({ api, pageSize: 50 }))
    actions = render(() => useRunActions({ api }))
    await list.until('the list', ({ isLoading, error }) => !isLoading && !error)
    await streamsOpen()
  },
  async runs({ status }) {
    const once = render(() => useRuns({ api, status, pageSize: 50, realtime: false }))
    const { runs } = await once.until('the list', ({ isLoading }) => !isLoading)
    return runs.map(({ id }) => id)
  },
  async trigger({ job, input }) {
    if (!triggers.has(job)) {
      triggers.set(
        job,
        render(() => useJob({ api, jobName: job, autoResume: false, followLatest: false })),
      )
    }
    return (await triggers.get(job).now().trigger(input)).runId
  },
  async sees({ runId, status }) {
    await list.until(`${runId} ${status}`, ({ runs }) => {
      const run = runs.find(({ id }) => id === runId)
      return status === null ? run === undefined : today(run?.status) === status
    })
  },
  async follow({ runId }) {
    followed.set(runId, {
      run: render(() => useJobRun({ api, runId })),
      logs: render(() => useJobLogs({ api, runId })),
    })
    await streamsOfRunOpen(runId, 2)
  },
  async followed({ runId, wanted }) {
    const { run, logs } = followed.get(runId)
    // Two hooks, which hear by two streams: each is waited for by its own renders.
    await logs.until(`the lines ${wanted.lines}`, ({ logs: lines }) =>
      same(lines.map(({ message }) => message), wanted.lines),
    )
    await run.until(`what is followed: ${JSON.stringify(wanted)}`, () => {
      const { status, progress, output, error } = run.now()
      return (
        today(status) === wanted.status &&
        (progress?.current ?? null) === wanted.current &&
        same(output ?? null, wanted.output) &&
        same(error ?? null, wanted.error)
      )
    })
  },
  async run({ runId }) {
    return today((await actions.now().getRun(runId))?.status) ?? null
  },
  async steps({ runId }) {
    return (await actions.now().getSteps(runId)).map(({ name, status }) => [name, status])
  },
  cancel: async ({ runId }) => actions.now().cancel(runId),
  delete: async ({ runId }) => actions.now().deleteRun(runId),
  retrigger: async ({ runId }) => actions.now().retrigger(runId),
  async goesAway() {
    before = opensOfLists()
  },
  async comesBack() {
    while (!opensOfLists().every((opens, i) => opens > before[i])) await sleep(50)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...given } = JSON.parse(line)
  try {
    console.log(JSON.stringify({ ok: (await verbs[verb](given)) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
process.exit(0) // a stream that is open is not waited for
