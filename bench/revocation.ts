import { rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { startEchoApp } from '../e2e/echo-app.ts'
import { NODE_FLAGS } from '../scripts/node-flags.ts'
import { freePorts, startServer } from '../src/store/redis/redis-server.fixture.ts'
import { tokensSchema } from '../src/session/tokens.schema.ts'
import { HOST, username, USERS, writeConfiguration } from './configuration.ts'
import { startProcess, type Process } from './processes.ts'
import { startRedisRelay, type RedisRelay } from './redis-relay.ts'
import { openServices, signIn, startSession, type RedisServices } from './sessions.ts'
import { percentile } from './statistics.ts'

const GATEWAYS = 4
const TOKEN_RULES = tokensSchema.parse({})
const WEB_SOCKETS = 1_000
/** Of the revocations that nobody is told of; with more at once the probes would measure themselves. */
const SILENT_BATCH = 10
const SILENT_PROBE_MS = 40

/** Milliseconds from the answer of the call that revokes. */
export interface Delays {
  readonly what: string
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly longest: number
  readonly budget: number
}

/** Where the session is, or what it is asked with: a bearer's session is one in the store. */
type Mode = 'cts' | 'stateless' | 'bearer'

/** What opens the site, and what ends the session: for a bearer these are two. */
interface Secrets {
  readonly probe: Readonly<Record<string, string>>
  readonly cookie: string
}

interface Bench {
  readonly ports: readonly number[]
  readonly services: RedisServices
  readonly relay: RedisRelay
  readonly agent: Agent
}

interface Asked {
  readonly port: number
  readonly secrets: Secrets
  readonly logout?: true
}

function ask({ agent }: Bench, { port, secrets, logout }: Asked): Promise<number> {
  const headers = {
    ...(logout === true ? { cookie: secrets.cookie } : secrets.probe),
    ...{ host: HOST, accept: 'application/json', 'sec-fetch-mode': 'cors' },
    ...(logout === true ? { origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin', 'content-length': '0' } : {}),
  }
  const [method, path] = logout === true ? ['POST', '/.gatehouse/logout'] : ['GET', '/orders/1']
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent }, (incoming) => {
      incoming.resume().on('end', () => resolve(incoming.statusCode ?? 0))
    })
    outgoing.on('error', reject).end()
  })
}

/** A machine that does other things, too, may be late with an answer of the store once. */
async function isKnown(bench: Bench, asked: Asked): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    const status = await ask(bench, asked)
    if (status === 200) return
    if (status !== 503) throw new Error(`a fresh session was answered ${status}`)
    await pause(500)
  }
  throw new Error('the store does not answer')
}

/** Signed in, and known to every gateway. */
async function warm(bench: Bench, nth: number, mode: Mode): Promise<Secrets> {
  const { pairs } = bench.services
  const name = username(nth % USERS)
  const { token, session } = await startSession(bench.services, name, mode === 'stateless' ? mode : 'cts')
  const cookie = `SSOTokenID=${token}`
  const probe =
    mode === 'bearer' ? { authorization: `Bearer ${pairs.issue(session, TOKEN_RULES).accessToken}` } : { cookie }
  const secrets = { probe, cookie }
  await Promise.all(bench.ports.map((port) => isKnown(bench, { port, secrets })))
  return secrets
}

async function revoke(bench: Bench, secrets: Secrets, nth: number): Promise<number> {
  const status = await ask(bench, { port: bench.ports[nth % GATEWAYS] ?? 0, secrets, logout: true })
  if (status >= 400) throw new Error(`a logout was answered ${status}`)
  return performance.now()
}

/** When the last answer of the application came through this gateway; it is asked without pause, or every so often. */
async function lastAccepted(bench: Bench, { port, secrets }: Asked, everyMs: number): Promise<number> {
  let last = 0
  for (;;) {
    const status = await ask(bench, { port, secrets })
    if (status === 401) return last
    if (status === 200) last = performance.now()
    else if (status !== 503) throw new Error(`a probe was answered ${status}`)
    if (everyMs > 0) await pause(everyMs)
  }
}

async function delayOf(
  bench: Bench,
  secrets: Secrets,
  { nth, everyMs }: { nth: number; everyMs: number },
): Promise<number> {
  const answered = revoke(bench, secrets, nth)
  const probes = bench.ports.map((port) => lastAccepted(bench, { port, secrets }, everyMs))
  const [at, ...last] = await Promise.all([answered, ...probes])
  return Math.max(0, ...last.map((moment) => moment - at))
}

async function told(bench: Bench, count: number, mode: Mode): Promise<Delays> {
  const delays: number[] = []
  for (let nth = 0; nth < count; nth++)
    delays.push(await delayOf(bench, await warm(bench, nth, mode), { nth, everyMs: 0 }))
  return summary(`${mode}, events delivered`, delays, 50)
}

async function untold(bench: Bench, count: number, mode: Mode): Promise<Delays> {
  const delays: number[] = []
  while (delays.length < count) {
    const people = await Promise.all(Array.from({ length: SILENT_BATCH }, (_, nth) => warm(bench, nth, mode)))
    bench.relay.holdBack = true
    const everyMs = SILENT_PROBE_MS
    delays.push(...(await Promise.all(people.map((secrets, nth) => delayOf(bench, secrets, { nth, everyMs })))))
    bench.relay.holdBack = false
    // Until the log is read again everywhere: a gateway that does not hear of anything believes nothing.
    await pause(2_500)
  }
  return summary(`${mode}, events held back`, delays, 1_200)
}

async function openSocket(port: number, token: string): Promise<WebSocket> {
  const headers = { host: HOST, cookie: `SSOTokenID=${token}`, origin: `http://${HOST}` }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/clock`, { headers })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return socket.on('error', () => undefined)
}

/** Each is held at another gateway than the one that is told to end its session. */
async function webSockets(bench: Bench): Promise<Delays> {
  const open: { readonly token: string; readonly closed: Promise<number> }[] = []
  for (let nth = 0; nth < WEB_SOCKETS; nth++) {
    const token = await signIn(bench.services, username(nth))
    const socket = await openSocket(bench.ports[(nth + 1) % GATEWAYS] ?? 0, token)
    open.push({ token, closed: new Promise((resolve) => socket.once('close', () => resolve(performance.now()))) })
  }
  const delays: number[] = []
  for (const [nth, { token, closed }] of open.entries()) {
    const cookie = `SSOTokenID=${token}`
    const at = await revoke(bench, { probe: {}, cookie }, nth)
    delays.push(Math.max(0, (await closed) - at))
  }
  return summary(`WebSocket closed, ${WEB_SOCKETS} open`, delays, 1_000)
}

function summary(what: string, delays: readonly number[], budget: number): Delays {
  const at = (share: number): number => percentile(delays, share)
  return { what, count: delays.length, p50: at(0.5), p99: at(0.99), longest: at(1), budget }
}

/** Four gateway processes on one Redis: how long a revoked session still passes anywhere. */
export async function measureRevocation(count: number): Promise<readonly Delays[]> {
  const closers: (() => unknown)[] = []
  try {
    const [redisPort = 0] = await freePorts(1)
    const redis = await startServer({ port: redisPort })
    closers.push(() => redis.dispose())
    const relay = await startRedisRelay(redisPort)
    closers.push(() => relay.close())
    const app = await startEchoApp()
    closers.push(() => app.close())
    const root = writeConfiguration({ upstreamPort: Number(new URL(app.url).port), enforced: true })
    closers.push(() => rmSync(root, { recursive: true }))
    process.env['STORE_URL'] = `redis://127.0.0.1:${relay.port}`
    const gateways = Array.from({ length: GATEWAYS }, (_, nth): Process => {
      const started = startProcess(`gateway ${nth}`, 'anywhere', [
        ...NODE_FLAGS,
        'src/main.ts',
        'serve',
        '--config',
        root,
      ])
      closers.push(() => started.stop())
      return started
    })
    const ports = await Promise.all(
      gateways.map(async ({ ready }) => {
        const { listeners } = (await ready) as { readonly listeners: readonly { readonly port: number }[] }
        return listeners[0]?.port ?? 0
      }),
    )
    const services = await openServices(root, `redis://127.0.0.1:${redisPort}`)
    closers.push(() => services.close())
    const agent = new Agent({ keepAlive: true })
    closers.push(() => agent.destroy())
    const bench: Bench = { ports, services, relay, agent }
    const results: Delays[] = []
    for (const mode of ['cts', 'stateless', 'bearer'] as const) {
      results.push(await told(bench, count, mode))
      results.push(await untold(bench, Math.ceil(count / 10), mode))
    }
    results.push(await webSockets(bench))
    return results
  } finally {
    for (const close of closers.reverse()) await close()
  }
}
