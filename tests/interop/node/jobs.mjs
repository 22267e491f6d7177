// Jobs that the tests trigger. Each shows one behaviour that a monitor has to get right.
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { defineJob } from '@coji/durably'
import { z } from 'zod'

const LEVELS = ['info', 'warn', 'error']

// `signal` is raised when the run is cancelled, so a cancelled step ends at once.
const pause = (ms, signal) => (ms > 0 ? sleep(ms, undefined, { signal }) : undefined)

const echo = defineJob({
  name: 'echo',
  input: z.object({ value: z.string() }),
  output: z.object({ value: z.string() }),
  run: async (step, input) => ({ value: await step.run('echo', () => input.value) }),
})

const steps = defineJob({
  name: 'steps',
  input: z.object({
    count: z.number().int().nonnegative(),
    delayMs: z.number().nonnegative().default(0),
  }),
  output: z.object({ done: z.number() }),
  run: async (step, { count, delayMs }) => {
    for (let i = 0; i < count; i++) {
      await step.run(`step-${i}`, async (signal) => {
        await pause(delayMs, signal)
        return i
      })
      step.progress(i + 1, count, `step ${i + 1} of ${count}`)
      step.log.info(`finished step ${i}`, { i })
    }
    return { done: count }
  },
})

const fails = defineJob({
  name: 'fails',
  input: z.object({ message: z.string() }),
  run: async (step, { message }) => {
    step.log.warn('about to fail')
    await step.run('boom', () => {
      throw new Error(message)
    })
  },
})

// Fails when told to, or for as long as the file `until` is not there: a test makes the file and
// triggers the same input again.
const flaky = defineJob({
  name: 'flaky',
  input: z.object({ fail: z.boolean().default(false), until: z.string().optional() }),
  output: z.object({ ok: z.boolean() }),
  run: async (step, { fail, until }) => {
    await step.run('prepare', () => null)
    await step.run('work', () => {
      if (fail || (until !== undefined && !existsSync(until))) throw new Error('not this time')
    })
    return { ok: true }
  },
})

// Works until the file `until` is there, so that a test decides how long a run is running.
const held = defineJob({
  name: 'held',
  input: z.object({ until: z.string() }),
  output: z.object({ ok: z.boolean() }),
  run: async (step, { until }) => {
    await step.run('prepare', () => null)
    step.progress(1, 2, 'held')
    await step.run('wait', async (signal) => {
      while (!existsSync(until)) await pause(20, signal)
    })
    step.progress(2, 2, 'let go')
    return { ok: true }
  },
})

const noisy = defineJob({
  name: 'noisy',
  input: z.object({ lines: z.number().int().nonnegative() }),
  output: z.object({ lines: z.number() }),
  run: async (step, { lines }) => {
    await step.run('talk', () => {
      for (let i = 0; i < lines; i++) {
        step.log[LEVELS[i % LEVELS.length]](`line ${i}`, { line: i, of: lines })
      }
    })
    return { lines }
  },
})

// Tells so many events a second for some time: lines, and now and then the progress, which the
// server writes to its database.
const chatter = defineJob({
  name: 'chatter',
  input: z.object({ perSecond: z.number().int().positive(), seconds: z.number().positive() }),
  output: z.object({ told: z.number() }),
  run: async (step, { perSecond, seconds }) => {
    let told = 0
    await step.run('talk', async (signal) => {
      const began = performance.now()
      for (let passed = 0; passed < seconds; passed = (performance.now() - began) / 1000) {
        while (told < passed * perSecond) {
          told += 1
          if (told % 100) step.log.info(`row ${told}`, { row: told })
          else step.progress(told, perSecond * seconds, `row ${told}`)
        }
        await pause(10, signal)
      }
    })
    return { told }
  },
})

// Puts `text` everywhere that a job can put text. The test brings the text, so that no control
// code stands in a source file.
const hostile = defineJob({
  name: 'hostile',
  input: z.object({ text: z.string(), fail: z.boolean().default(true) }),
  output: z.object({ text: z.string() }),
  run: async (step, { text, fail }) => {
    await step.run(text, () => {
      for (const level of LEVELS) step.log[level](text, { [text]: text })
      step.progress(1, 2, text)
      return text
    })
    if (fail) {
      await step.run(`fail ${text}`, () => {
        throw new Error(text)
      })
    }
    return { text }
  },
})

// Writes the name of each step that it executes into `file`, and waits before step `holdAt` until
// the file `until` is there: so a test knows which steps were executed, and holds a run half-done.
const ledger = defineJob({
  name: 'ledger',
  input: z.object({
    file: z.string(),
    count: z.number().int().nonnegative(),
    holdAt: z.number().int(),
    until: z.string(),
  }),
  output: z.object({ total: z.number() }),
  run: async (step, { file, count, holdAt, until }) => {
    let total = 0
    for (let i = 0; i < count; i++) {
      step.progress(i, count)
      total += await step.run(`row-${i}`, async (signal) => {
        while (i === holdAt && !existsSync(until)) await pause(5, signal)
        appendFileSync(file, `row-${i}\n`)
        return i
      })
    }
    return { total }
  },
})

// One step fails, and the job goes on.
const recovers = defineJob({
  name: 'recovers',
  input: z.object({ message: z.string() }),
  output: z.object({ message: z.string() }),
  run: async (step, { message }) => {
    try {
      await step.run('try', () => {
        throw new Error(message)
      })
    } catch (error) {
      step.log.error('going on without it', { message: error.message })
    }
    return { message: await step.run('fallback', () => message) }
  },
})

// Neither a step nor the job returns anything.
const quiet = defineJob({
  name: 'quiet',
  input: z.object({}),
  run: async (step) => {
    await step.run('nothing', () => {})
  },
})

// The same name twice: the second time it is read from its checkpoint.
const twice = defineJob({
  name: 'twice',
  input: z.object({}),
  output: z.object({ seen: z.array(z.number()) }),
  run: async (step) => {
    const seen = []
    for (const value of [1, 2]) seen.push(await step.run('once', () => value))
    return { seen }
  },
})

// Returns what its output type refuses.
const refused = defineJob({
  name: 'refused',
  input: z.object({}),
  output: z.object({ value: z.string() }),
  run: async (step) => {
    await step.run('count', () => 1)
    return { value: 1 }
  },
})

// Progress much faster than it is sent.
const burst = defineJob({
  name: 'burst',
  input: z.object({ count: z.number().int().nonnegative() }),
  output: z.object({ count: z.number() }),
  run: async (step, { count }) => {
    await step.run('count', () => {
      for (let i = 0; i < count; i++) step.progress(i + 1, count)
      return null
    })
    return { count }
  },
})

export const jobs = {
  echo,
  steps,
  fails,
  flaky,
  held,
  noisy,
  chatter,
  hostile,
  ledger,
  recovers,
  quiet,
  twice,
  refused,
  burst,
}
