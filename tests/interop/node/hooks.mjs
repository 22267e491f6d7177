// Uses every hook of @coji/durably-react against the server at `--api`, and prints a JSON line
// `{"hook": NAME, ...}` with what each gave. The server runs one run at a time and has the jobs of
// `jobs.mjs`; `--folder` is an empty folder that it can read.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { leave, render, streamsOpen } from './browser.mjs'
import { jobs } from './jobs.mjs'

const { createDurably, useJob, useJobLogs, useJobRun, useRunActions, useRuns } = await import(
  '@coji/durably-react'
)
const { values } = parseArgs({ options: { api: { type: 'string' }, folder: { type: 'string' } } })
const { api, folder } = values

async function trigger(jobName, input, options = {}) {
  const response = await fetch(`${api}/trigger`, {
    method: 'POST',
    body: JSON.stringify({ jobName, input, ...options }),
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()).runId
}

// A `ledger` run waits before its second row until `open` is called, and keeps all others waiting.
let gates = 0
function gate() {
  const name = join(folder, `gate-${++gates}`)
  return {
    input: { file: `${name}.ledger`, count: 2, holdAt: 1, until: `${name}.go` },
    open: () => writeFileSync(`${name}.go`, ''),
  }
}

const reason = (promise) =>
  promise.then(
    () => null,
    (error) => error.message,
  )
const brief = ({ id, jobName, status, progress, output, error, labels, currentStepIndex }) => ({
  id,
  jobName,
  status,
  progress,
  output,
  error,
  labels,
  currentStepIndex,
})

const stories = {
  async useRuns() {
    const list = render(() => useRuns({ api, pageSize: 3 }))
    const empty = await list.until('the empty list', (runs) => !runs.isLoading)
    await streamsOpen()
    const held = gate()
    const id = await trigger('ledger', held.input, { labels: { env: 'prod' } })
    const running = await list.until(
      'the run with its progress',
      ({ runs }) => runs[0]?.status === 'leased' && runs[0].progress?.current === 1,
    )
    const echoes = []
    for (const value of ['a', 'b', 'c']) echoes.push(await trigger('echo', { value }))
    await list.until('a second page', ({ hasMore }) => hasMore)
    list.now().nextPage()
    const second = await list.until(
      'page 1',
      ({ page, runs }) => page === 1 && runs.length === 1 && runs[0].id === id,
    )
    second.prevPage()
    await list.until('page 0', ({ page, runs }) => page === 0 && runs[0]?.id === echoes[2])
    await streamsOpen()
    const production = render(() => useRuns({ api, labels: { env: 'prod' } }))
    const typed = render(() => useRuns(jobs.echo, { api, status: ['completed'] }))
    await typed.until('a list', ({ isLoading }) => !isLoading)
    await streamsOpen()
    held.open()
    const echoed = await typed.until('three echoes', ({ runs }) => runs.length === 3)
    const labelled = await production.until(
      'the end of the run',
      ({ runs }) => runs[0]?.status === 'completed',
    )
    const settled = await list.until('all ended', ({ runs }) =>
      runs.every((run) => run.status === 'completed'),
    )
    await fetch(`${api}/run?runId=${echoes[2]}`, { method: 'DELETE' })
    const left = await list.until('one less', ({ runs }) => runs[0]?.id === echoes[1])
    const refused = render(() => useRuns({ api, status: 'nonsense', realtime: false }))
    const wrong = await refused.until('an error', ({ error }) => error !== null)
    return {
      id,
      echoes,
      empty: { runs: empty.runs, hasMore: empty.hasMore, error: empty.error },
      running: running.runs.map(brief),
      second: { runs: second.runs.map((run) => run.id), hasMore: second.hasMore },
      echoed: echoed.runs.map((run) => run.output.value),
      labelled: labelled.runs.map(brief),
      settled: settled.runs.map((run) => run.id),
      left: left.runs.map((run) => run.id),
      wrong: wrong.error,
    }
  },

  async useJobRun() {
    const calls = []
    const called = (name) => () => calls.push(name)
    const options = { api, onStart: called('start'), onComplete: called('complete') }
    const watch = (runId) => useJobRun({ ...options, onFail: called('fail'), runId })
    const held = gate()
    await trigger('ledger', held.input)
    const id = await trigger('steps', { count: 3, delayMs: 120 })
    const run = render(watch, null)
    const nothing = run.now().status
    run.rerender(id)
    await streamsOpen()
    held.open()
    const completed = await run.until('its end', ({ isCompleted }) => isCompleted)
    const failing = render(watch, await trigger('fails', { message: 'disk is full' }))
    const failed = await failing.until('its end', ({ isFailed }) => isFailed)
    const late = render(watch, id)
    const replayed = await late.until('the replay', ({ isTerminal }) => isTerminal)
    const stopped = gate()
    const stoppedId = await trigger('ledger', stopped.input)
    const cancelled = render(watch, stoppedId)
    const midway = await cancelled.until('its progress', ({ progress }) => progress?.current === 1)
    await fetch(`${api}/cancel?runId=${stoppedId}`, { method: 'POST' })
    const ended = await cancelled.until('its end', ({ isCancelled }) => isCancelled)
    return {
      nothing,
      statuses: run.seen(({ status }) => status),
      progress: run.seen(({ progress }) => progress),
      logs: completed.logs.map(({ level, message, data }) => ({ level, message, data })),
      output: completed.output,
      failed: { error: failed.error, status: failed.status, isActive: failed.isActive },
      replayed: { output: replayed.output, status: replayed.status },
      midway: { status: midway.status, isActive: midway.isActive },
      cancelled: { status: ended.status, isTerminal: ended.isTerminal },
      calls,
    }
  },

  async useJobLogs() {
    const held = gate()
    await trigger('ledger', held.input)
    const id = await trigger('noisy', { lines: 7 })
    const all = render(() => useJobLogs({ api, runId: id }))
    const few = render(() => useJobLogs({ api, runId: id, maxLogs: 2 }))
    await streamsOpen()
    held.open()
    const lines = await all.until('seven lines', ({ logs }) => logs.length === 7)
    const last = await few.until('the last line', ({ logs }) => logs.at(-1)?.message === 'line 6')
    all.now().clearLogs()
    const cleared = await all.until('no lines', ({ logs }) => logs.length === 0)
    return {
      lines: lines.logs.map(({ level, message, data }) => ({ level, message, data })),
      last: last.logs.map(({ message }) => message),
      cleared: cleared.logs,
    }
  },

  async useJob() {
    const options = { api, jobName: 'steps' }
    const job = render(() => useJob(options))
    await streamsOpen()
    const idle = job.now()
    const before = gate()
    await trigger('ledger', before.input)
    const { runId } = await job.now().trigger({ count: 2, delayMs: 120 })
    await job.until('the run', ({ currentRunId }) => currentRunId === runId)
    await streamsOpen()
    before.open()
    const done = await job.until('its end', ({ isCompleted }) => isCompleted)
    job.now().reset()
    const reset = await job.until('nothing', ({ currentRunId }) => currentRunId === null)
    const waited = await job.now().triggerAndWait({ count: 1 })
    const refused = await reason(job.now().trigger({ count: -1 }))
    // Someone else triggers the job: it is followed.
    const elsewhere = await trigger('steps', { count: 0 })
    await job.until('the run of someone else', ({ currentRunId }) => currentRunId === elsewhere)
    const failing = render(() => useJob({ api, jobName: 'fails' }))
    await streamsOpen()
    const failure = await reason(failing.now().triggerAndWait({ message: 'disk is full' }))
    const failed = failing.now()
    // A run that was there before the page is taken up.
    const held = gate()
    const heldId = await trigger('ledger', held.input)
    // The hook asks for leased and for pending runs at once, and misses one that just changes.
    const watched = render(() => useJobRun({ api, runId: heldId }))
    await watched.until('its progress', ({ progress }) => progress?.current === 1)
    const resuming = render(() => useJob({ api, jobName: 'ledger' }))
    const resumed = await resuming.until('its progress', ({ progress }) => progress?.current === 1)
    held.open()
    const output = await resuming.until('its end', ({ isCompleted }) => isCompleted)
    return {
      idle: { status: idle.status, currentRunId: idle.currentRunId },
      statuses: job.seen(({ status }) => status).slice(0, 4),
      followed: done.currentRunId === runId,
      done: { output: done.output, progress: done.progress, lines: done.logs.length },
      reset: { status: reset.status, output: reset.output, logs: reset.logs },
      waited: waited.output,
      refused: JSON.parse(refused),
      failure,
      failed: { status: failed.status, error: failed.error },
      resumed: { same: resumed.currentRunId === heldId, status: resumed.status },
      output: output.output,
    }
  },

  async useRunActions() {
    const actions = render(() => useRunActions({ api })).now()
    const client = createDurably({ api })
    const fails = render(() => client.fails.useJob())
    await streamsOpen()
    const { runId } = await fails.now().trigger({ message: 'disk is full' })
    await fails.until('its end', ({ isFailed }) => isFailed)
    const failed = await actions.getRun(runId)
    const again = await actions.retrigger(runId)
    await fails.until('the new run', ({ currentRunId }) => currentRunId === again)
    await fails.until('its end', ({ isFailed }) => isFailed)
    const steps = await actions.getSteps(runId)
    const held = gate()
    const heldId = await trigger('ledger', held.input)
    const running = render(() => client.ledger.useRun(heldId))
    await running.until('its progress', ({ progress }) => progress?.current === 1)
    const active = await reason(actions.deleteRun(heldId))
    const notYet = await reason(actions.retrigger(heldId))
    await actions.cancel(heldId)
    const cancelled = await actions.getRun(heldId)
    const twice = await reason(actions.cancel(heldId))
    await actions.deleteRun(heldId)
    return {
      ids: { runId, again, heldId },
      failed: brief(failed),
      retriggered: brief(await actions.getRun(again)),
      steps: steps.map(({ name, status, error }) => ({ name, status, error })),
      active,
      notYet,
      cancelled: cancelled.status,
      twice,
      deleted: await actions.getRun(heldId),
      gone: await reason(actions.getSteps(heldId)),
    }
  },
}

for (const [hook, story] of Object.entries(stories)) {
  const result = await story()
  leave()
  console.log(JSON.stringify({ hook, ...result }))
}
process.exit(0) // a connection that is kept alive is not waited for
