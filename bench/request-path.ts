import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_FLAGS } from '../scripts/node-flags.ts'
import { writeConfiguration, USERS } from './configuration.ts'
import type { StoreCounts } from './count-store.ts'
import { CONNECTIONS, runLoad } from './load.ts'
import { cpuMicroseconds, startProcess, watchResident, type Place, type Process } from './processes.ts'
import { createSessions } from './sessions.ts'
import { median } from './statistics.ts'

export interface RequestPathOptions {
  /** Of load on each proxy in each round. */
  readonly seconds: number
  readonly rounds: number
}

/** One proxy with one kind of load, over all rounds. */
export interface Row {
  readonly name: string
  readonly requestsPerSecond: number
  /** Milliseconds; medians over the rounds. */
  readonly p50: number
  readonly p99: number
  readonly cpuMicrosecondsPerRequest: number
  /** To the bare proxy of the same round. */
  readonly ratios: readonly number[]
  readonly ratio: number
  /** MiB; the most in any moment of a round. */
  readonly residentMegabytes: number
}

export interface StoreRow {
  readonly name: string
  readonly requests: number
  readonly seconds: number
  readonly sessions: number
  readonly counts: StoreCounts
  readonly operationsPerRequest: number
  readonly operationsPerSessionAndSecond: number
}

export interface RequestPathResult {
  readonly rows: readonly Row[]
  readonly store: readonly StoreRow[]
}

interface Candidate {
  readonly name: string
  readonly process: Process
  readonly port: number
  readonly cookies: string
  /** Requests that must have reached the application with an assertion: all of them, or none. */
  readonly asserted: boolean
}

interface Sample {
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpu: number
  readonly residentMegabytes: number
}

/** Everything a run starts and writes, so that it can be ended and removed. */
interface Workplace {
  readonly processes: Process[]
  readonly directories: string[]
}

/** Measures the proxies in turn, round after round: what else the machine does meanwhile hits all of them alike. */
export async function measureRequestPath(options: RequestPathOptions): Promise<RequestPathResult> {
  const workplace: Workplace = { processes: [], directories: [] }
  try {
    return await measure(options, workplace)
  } finally {
    await Promise.all(workplace.processes.map((process) => process.stop()))
    for (const directory of workplace.directories) rmSync(directory, { recursive: true, force: true })
  }
}

async function measure({ seconds, rounds }: RequestPathOptions, workplace: Workplace): Promise<RequestPathResult> {
  const upstream = start(workplace, { name: 'upstream', place: 'beside' }, ['bench/upstream-process.ts'])
  const upstreamPort = await portOf(upstream)
  const bare = start(workplace, { name: 'bare proxy', place: 'measured' }, [
    'bench/bare-proxy-process.ts',
    String(upstreamPort),
  ])
  const openRoot = configure(workplace, { upstreamPort, enforced: false })
  const open = gateway(workplace, openRoot)
  const root = configure(workplace, { upstreamPort, enforced: true })
  const tokens = await createSessions(root, USERS)
  const [one, many] = [cookieFile(root, tokens.slice(0, 1)), cookieFile(root, tokens)]
  const enforced = gateway(workplace, root)
  const candidates: readonly [Candidate, ...Candidate[]] = [
    { name: 'bare undici proxy', process: bare, port: await portOf(bare), cookies: one, asserted: false },
    { name: 'gateway, not enforced', process: open, port: await portOf(open), cookies: one, asserted: false },
    { name: 'gateway, 1 session', process: enforced, port: await portOf(enforced), cookies: one, asserted: true },
    {
      name: `gateway, ${USERS} sessions`,
      process: enforced,
      port: await portOf(enforced),
      cookies: many,
      asserted: true,
    },
  ]
  await warmUp(candidates, upstream)
  const samples = new Map<Candidate, Sample[]>(candidates.map((candidate) => [candidate, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [candidate, taken] of samples) taken.push(await sample(candidate, upstream, seconds))
  }
  const rows = candidates.map((candidate) => rowOf(candidate, samples, candidates[0]))
  const store = await countStore(workplace, root, [one, many])
  return { rows, store }
}

function start(
  workplace: Workplace,
  { name, place }: { readonly name: string; readonly place: Place },
  args: readonly string[],
): Process {
  const process = startProcess(name, place, args)
  workplace.processes.push(process)
  return process
}

function configure(workplace: Workplace, options: Parameters<typeof writeConfiguration>[0]): string {
  const root = writeConfiguration(options)
  workplace.directories.push(root)
  return root
}

function gateway(workplace: Workplace, root: string, nodeArgs: readonly string[] = []): Process {
  return start(workplace, { name: 'gateway', place: 'measured' }, [
    ...NODE_FLAGS,
    ...nodeArgs,
    'dist/main.js',
    'serve',
    '--config',
    root,
  ])
}

/** Our own processes say a number; the gateway lists its listeners. */
async function portOf(process: Process): Promise<number> {
  const said = (await process.ready) as number | { readonly listeners: readonly { readonly port: number }[] }
  const port = typeof said === 'number' ? said : said.listeners[0]?.port
  if (port === undefined) throw new Error(`${process.name} does not listen`)
  return port
}

/** The application's own cookies stand around ours, as in a browser. */
function cookieFile(root: string, tokens: readonly string[]): string {
  const file = join(root, `data/cookies-${tokens.length}.txt`)
  writeFileSync(file, tokens.map((token) => `theme=dark; SSOTokenID=${token}; cart=7\n`).join(''))
  return file
}

interface Arrived {
  readonly requests: number
  readonly asserted: number
}

/** One stretch of load. Fails when anything was answered by the proxy itself, or arrived without what it should carry. */
async function sample(candidate: Candidate, upstream: Process, seconds: number): Promise<Sample> {
  const before = (await upstream.ask('counts')) as Arrived
  const cpuBefore = cpuMicroseconds(candidate.process.pid)
  const memory = watchResident(candidate.process.pid)
  const result = await runLoad({ ...candidate, seconds })
  const resident = memory.stop()
  const cpu = cpuMicroseconds(candidate.process.pid) - cpuBefore
  const after = (await upstream.ask('counts')) as Arrived
  const arrived = after.requests - before.requests
  const asserted = after.asserted - before.asserted
  // What was under way when the load before ended may still arrive now.
  const strays = candidate.asserted ? arrived - asserted : asserted
  // A stretch in which nothing came through says nothing about what a request costs.
  if (result.requests === 0 || result.errors > 0 || arrived < result.requests || strays > CONNECTIONS) {
    const seen = JSON.stringify({ ...result, arrived, asserted })
    throw new Error(`${candidate.name}: not every request was forwarded as it should be: ${seen}`)
  }
  return {
    requestsPerSecond: (result.requests / result.microseconds) * 1_000_000,
    p50: result.p50 / 1_000,
    p99: result.p99 / 1_000,
    cpu: cpu / arrived,
    residentMegabytes: resident,
  }
}

function rowOf(candidate: Candidate, samples: ReadonlyMap<Candidate, readonly Sample[]>, baseline: Candidate): Row {
  const taken = samples.get(candidate) ?? []
  const base = samples.get(baseline) ?? []
  const ratios = taken.map(({ cpu }, round) => cpu / (base[round]?.cpu ?? Number.NaN))
  return {
    name: candidate.name,
    requestsPerSecond: median(taken.map(({ requestsPerSecond }) => requestsPerSecond)),
    p50: median(taken.map(({ p50 }) => p50)),
    p99: median(taken.map(({ p99 }) => p99)),
    cpuMicrosecondsPerRequest: median(taken.map(({ cpu }) => cpu)),
    ratios,
    ratio: median(ratios),
    residentMegabytes: Math.max(...taken.map((one) => one.residentMegabytes)),
  }
}

/**
 * Until the compiler has seen enough of every path: before that a proxy costs two to four times as much. It goes on compiling for some
 * 50,000 requests, and the ends of connections, which come with each stretch of load, have it throw code away the first times.
 */
const WARM_UP = { requests: 60_000, mostTurns: 20, seconds: 1 } as const

async function warmUp(candidates: readonly Candidate[], upstream: Process): Promise<void> {
  const seen = new Map<Candidate, number>()
  for (let turn = 0; turn < WARM_UP.mostTurns; turn++) {
    const cold = candidates.filter((candidate) => (seen.get(candidate) ?? 0) < WARM_UP.requests)
    if (cold.length === 0) return
    for (const candidate of cold) {
      const { requestsPerSecond } = await sample(candidate, upstream, WARM_UP.seconds)
      seen.set(candidate, (seen.get(candidate) ?? 0) + requestsPerSecond * WARM_UP.seconds)
    }
  }
}

const COUNT_SECONDS = 4

/** In a gateway of its own, whose store operations are counted and whose time nobody looks at. */
async function countStore(workplace: Workplace, root: string, files: readonly string[]): Promise<readonly StoreRow[]> {
  const counted = gateway(workplace, root, ['--import', './bench/count-store.ts'])
  const port = await portOf(counted)
  const rows: StoreRow[] = []
  for (const [nth, cookies] of files.entries()) {
    const sessions = nth === 0 ? 1 : USERS
    const before = { ...((await counted.ask('counts')) as StoreCounts) }
    const result = await runLoad({ port, cookies, seconds: COUNT_SECONDS })
    rows.push(storeRow(sessions, result, difference((await counted.ask('counts')) as StoreCounts, before)))
  }
  return rows
}

function difference(after: StoreCounts, before: StoreCounts): StoreCounts {
  return {
    sessionReads: after.sessionReads - before.sessionReads,
    otherReads: after.otherReads - before.otherReads,
    touches: after.touches - before.touches,
    touchBatches: after.touchBatches - before.touchBatches,
    otherWrites: after.otherWrites - before.otherWrites,
  }
}

function storeRow(
  sessions: number,
  { requests, microseconds }: { readonly requests: number; readonly microseconds: number },
  counts: StoreCounts,
): StoreRow {
  const seconds = microseconds / 1_000_000
  const operations = counts.sessionReads + counts.touchBatches
  return {
    name: `gateway, ${sessions} session${sessions === 1 ? '' : 's'}`,
    requests,
    seconds,
    sessions,
    counts,
    operationsPerRequest: operations / requests,
    // Readings a second apart: five of them fit into four seconds.
    operationsPerSessionAndSecond: operations / sessions / (seconds + 1),
  }
}
