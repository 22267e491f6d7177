// A browser as far as the React hooks need one: jsdom, an EventSource that says when it is open,
// and hooks that are rendered and awaited by what they give, never by the clock.
import { setTimeout as sleep } from 'node:timers/promises'

import { EventSource as NodeEventSource } from 'eventsource'
import { JSDOM } from 'jsdom'

const PATIENCE_MS = 15_000

const { window } = new JSDOM('<!doctype html><body></body>', { url: 'http://localhost/' })
for (const [name, value] of Object.entries({
  window,
  document: window.document,
  navigator: window.navigator,
})) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

const sources = new Set()
globalThis.EventSource = class extends NodeEventSource {
  constructor(url, init) {
    super(url, init)
    sources.add(this)
    this.opens = 0
    this.addEventListener('open', () => this.opens++)
    this.opened = new Promise((resolve) => this.addEventListener('open', resolve, { once: true }))
  }

  close() {
    super.close()
    sources.delete(this)
  }
}

// `useRuns` shows the answer that comes last, be it the older one, and then stays behind. That is not
// what is looked for here: lists are fetched one after the other.
const fetchNow = globalThis.fetch
let lists = Promise.resolve()
globalThis.fetch = (url, init) => {
  if (!String(url).includes('/runs?')) return fetchNow(url, init)
  lists = lists
    .catch(() => {})
    .then(async () => {
      const answer = await fetchNow(url, init)
      return new Response(await answer.arrayBuffer(), answer)
    })
  return lists
}

// React asks for `window` when it is loaded, so it is loaded after there is one.
const { cleanup, renderHook } = await import('@testing-library/react')
// What the hooks hear comes from a server, when it comes: there is nothing to wrap in `act`.
globalThis.IS_REACT_ACT_ENVIRONMENT = false

// Waits until every stream that a hook has opened was accepted by the server.
export const streamsOpen = () => within('an open stream', Promise.all([...sources].map((s) => s.opened)))

// Waits until hooks have asked for so many streams about a run, which they do after they are
// rendered, and until all were accepted by the server.
export async function streamsOfRunOpen(runId, count) {
  const asked = () =>
    [...sources].filter(({ url }) => url.includes('/subscribe?') && url.includes(runId)).length
  const enough = async () => {
    while (asked() < count) await sleep(5)
  }
  await within(`${count} streams of ${runId}`, enough())
  await streamsOpen()
}

// How often each stream about many runs was opened, by its number.
export const opensOfLists = () =>
  [...sources].filter(({ url }) => url.includes('/runs/subscribe')).map(({ opens }) => opens)

// Takes down what was rendered, and with it the streams.
export function leave() {
  cleanup()
  if (sources.size > 0) throw new Error(`${sources.size} streams were left open by the hooks`)
}

// Renders `use(props)`. `now()` is what it gives at this moment, `until` waits for a render that
// fits, `seen(pick)` is what it has given so far, repetitions left out.
export function render(use, props) {
  const given = []
  const waiting = new Set()
  const { rerender } = renderHook(
    (current) => {
      const value = use(current)
      given.push(value)
      queueMicrotask(() => waiting.forEach((look) => look()))
      return value
    },
    { initialProps: props },
  )
  const now = () => given.at(-1)
  return {
    now,
    rerender,
    until: (what, fits) =>
      within(
        what,
        new Promise((resolve) => {
          const look = () => {
            if (!fits(now())) return
            waiting.delete(look)
            resolve(now())
          }
          waiting.add(look)
          look()
        }),
        () => JSON.stringify(now()),
      ),
    seen: (pick) => {
      const picked = given.map((value) => pick(value))
      return picked.filter((each, i) => JSON.stringify(each) !== JSON.stringify(picked[i - 1]))
    },
  }
}

async function within(what, promise, state = () => '') {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} never came: ${state()}`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
