// A Durably server as a user would run one: createDurably and createDurablyHandler behind
// node:http, over a libSQL file. Prints one JSON line `{"port": N, "basePath": "..."}` when it
// takes requests, and ends when its standard input ends, so that no test leaves one behind.
import http from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

import { createDurably, createDurablyHandler } from '@coji/durably'
import { createClient } from '@libsql/client'
import { LibsqlDialect } from '@libsql/kysely-libsql'

import { jobs } from './jobs.mjs'

const { values: options } = parseArgs({
  options: {
    db: { type: 'string' },
    port: { type: 'string', default: '0' },
    'base-path': { type: 'string', default: '/api/durably' },
    'max-concurrent-runs': { type: 'string', default: '4' },
    'polling-interval-ms': { type: 'string', default: '20' },
    'lease-ms': { type: 'string', default: '30000' },
    'lease-renew-interval-ms': { type: 'string', default: '5000' },
    'preserve-steps': { type: 'boolean', default: false },
    wal: { type: 'boolean', default: false },
  },
})
if (!options.db) {
  console.error('server.mjs: --db PATH is required: the file that keeps the runs')
  process.exit(2)
}
const basePath = options['base-path']

if (options.wal) {
  const client = createClient({ url: `file:${options.db}` })
  await client.execute('PRAGMA journal_mode = WAL') // kept in the file, so for all connections
  client.close()
}

const durably = createDurably({
  dialect: new LibsqlDialect({ url: `file:${options.db}` }),
  jobs,
  maxConcurrentRuns: Number(options['max-concurrent-runs']),
  pollingIntervalMs: Number(options['polling-interval-ms']),
  leaseMs: Number(options['lease-ms']),
  leaseRenewIntervalMs: Number(options['lease-renew-interval-ms']),
  preserveSteps: options['preserve-steps'],
})
durably.onError((error, event) => console.error(`listener of ${event.type}:`, error))
durably.on('worker:error', (event) => console.error('worker:', event.error))
const handler = createDurablyHandler(durably)

function toRequest(req, signal) {
  const hasBody = req.method !== 'GET' && req.method !== 'HEAD'
  return new Request(new URL(req.url, `http://${req.headers.host ?? 'localhost'}`), {
    method: req.method,
    headers: Object.entries(req.headersDistinct).flatMap(([name, all]) =>
      all.map((value) => [name, value]),
    ),
    body: hasBody ? Readable.toWeb(req) : undefined,
    duplex: hasBody ? 'half' : undefined,
    signal,
  })
}

async function answer(req, res) {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const { pathname } = new URL(req.url, 'http://localhost')
  const response = pathname.startsWith(`${basePath}/`)
    ? await handler.handle(toRequest(req, gone.signal), basePath)
    : new Response('Not Found', { status: 404 })
  res.writeHead(response.status, Object.fromEntries(response.headers))
  if (!response.body) {
    res.end()
    return
  }
  res.flushHeaders() // a quiet stream is open from its headers on, not from its first event
  await pipeline(Readable.fromWeb(response.body), res, { signal: gone.signal })
}

const server = http.createServer((req, res) => {
  answer(req, res).catch((error) => {
    if (res.destroyed) return // the client left: its stream ends here
    console.error(error)
    if (!res.headersSent) res.writeHead(500, { 'content-type': 'text/plain' })
    res.end()
  })
})
server.keepAliveTimeout = 60_000 // longer than a client keeps an idle connection

async function stop() {
  server.close()
  server.closeAllConnections()
  await durably.stop()
  process.exit(0)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
process.stdin.once('end', stop).resume()

await durably.init()
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, basePath }))
})
server.once('error', (error) => {
  console.error(`server.mjs: cannot listen on port ${options.port}: ${error.message}`)
  process.exit(1)
})
