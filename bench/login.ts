import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPasswordHasher } from '../src/crypto/password-hash.ts'
import { NODE_FLAGS } from '../scripts/node-flags.ts'
import { USERS, writeConfiguration } from './configuration.ts'
import { runLoad } from './load.ts'
import type { Logins } from './log-in.ts'
import { cpuMicroseconds, move, startProcess, type Process } from './processes.ts'
import { createSessions } from './sessions.ts'
import { median } from './statistics.ts'

export interface LoginRound {
  /** Of the hasher alone and of whole logins, each with all cores. */
  readonly hashesPerSecond: number
  readonly loginsPerSecond: number
  /** Of logins to hashes. */
  readonly rate: number
  /** Processor time of the whole process, in milliseconds. */
  readonly cpuPerHash: number
  readonly cpuPerLogin: number
  /** Of the processor time of a login, what a bare hash of this round took: what else the machine does counts for neither. */
  readonly share: number
  /** Milliseconds, of enforced requests: without logins, and beside a flood of them. */
  readonly p99Quiet: number
  readonly p99Flooded: number
  readonly p99Ratio: number
  /** Enforced requests a second, likewise. */
  readonly requestsQuiet: number
  readonly requestsFlooded: number
  readonly floodLoginsPerSecond: number
  /** Logins of the flood that were answered with 503. */
  readonly refused: number
}

export interface LoginResult extends Omit<LoginRound, 'refused'> {
  readonly rounds: readonly LoginRound[]
}

const PASSWORD = 'the password of everybody here'
/** As many as keep the hasher busy while others of them are at their first page. */
const BROWSERS = 8
/** As many as may wait for a hash: more are answered with 503, which costs what other pages cost. */
const FLOOD = 60
/** Of each kind of load: V8 optimises what was called often enough. */
const WARM_UP_SECONDS = 6

/** Logins over the pages beside bare hashes, and enforced requests beside a flood of logins, in turns. Every figure is the middle one of the rounds. */
export async function measureLogin({ seconds, rounds }: { seconds: number; rounds: number }): Promise<LoginResult> {
  const processes: Process[] = []
  const started = (...args: Parameters<typeof startProcess>): Process => {
    const process = startProcess(...args)
    processes.push(process)
    return process
  }
  const stored = await createPasswordHasher().hash(PASSWORD)
  let root: string | undefined
  try {
    const upstream = started('upstream', 'beside', ['bench/upstream-process.ts'])
    root = writeConfiguration({ upstreamPort: (await upstream.ready) as number, enforced: true, password: stored })
    const cookies = join(root, 'data/cookies.txt')
    const tokens = await createSessions(root, USERS)
    writeFileSync(cookies, tokens.map((token) => `theme=dark; SSOTokenID=${token}; cart=7\n`).join(''))
    const gateway = started('gateway', 'measured', [...NODE_FLAGS, 'src/main.ts', 'serve', '--config', root])
    const said = (await gateway.ready) as { readonly listeners: readonly { readonly port: number }[] }
    const hashes = started('hashes', 'measured', ['bench/hash-process.ts', stored, PASSWORD])
    await hashes.ready
    const port = said.listeners[0]?.port ?? 0
    const browsers = started('browsers', 'beside', ['bench/browsers-process.ts', String(port), PASSWORD])
    await browsers.ready
    const scene = { port, cookies, gateway, hashes, browsers }
    await measureRound(scene, WARM_UP_SECONDS)
    const taken: LoginRound[] = []
    for (let round = 0; round < rounds; round++) taken.push(await measureRound(scene, seconds))
    return middle(taken)
  } finally {
    await Promise.all(processes.map((process) => process.stop()))
    if (root !== undefined) rmSync(root, { recursive: true, force: true })
  }
}

interface Scene {
  readonly port: number
  readonly cookies: string
  readonly gateway: Process
  readonly hashes: Process
  readonly browsers: Process
}

async function measureRound({ port, cookies, gateway, hashes, browsers }: Scene, seconds: number): Promise<LoginRound> {
  const browse = async (atOnce: number) => (await browsers.ask(`${atOnce} ${seconds * 1_000}`)) as Logins
  const [cpuOfHashes, cpuOfLogins] = [cpuOf(hashes), cpuOf(gateway)]
  const { done: checks } = (await hashes.ask(String(seconds * 1_000))) as HashChecks
  const cpuPerHash = cpuOfHashes() / checks
  const alone = await browse(BROWSERS)
  const cpuPerLogin = cpuOfLogins() / alone.done
  const { hashesPerSecond, loginsPerSecond } = await withAllCores({ gateway, hashes, browsers }, async () => ({
    hashesPerSecond: perSecond((await hashes.ask(String(seconds * 1_000))) as HashChecks),
    loginsPerSecond: perSecond(await browse(BROWSERS)),
  }))
  const quiet = await runLoad({ port, cookies, seconds })
  const [flooded, flood] = await Promise.all([runLoad({ port, cookies, seconds }), browse(FLOOD)])
  return {
    hashesPerSecond,
    loginsPerSecond,
    rate: loginsPerSecond / hashesPerSecond,
    cpuPerHash,
    cpuPerLogin,
    share: cpuPerHash / cpuPerLogin,
    p99Quiet: quiet.p99 / 1_000,
    p99Flooded: flooded.p99 / 1_000,
    p99Ratio: flooded.p99 / quiet.p99,
    requestsQuiet: (quiet.requests / quiet.microseconds) * 1_000_000,
    requestsFlooded: (flooded.requests / flooded.microseconds) * 1_000_000,
    floodLoginsPerSecond: perSecond(flood),
    refused: flood.refused,
  }
}

type HashChecks = Pick<Logins, 'done' | 'milliseconds'>

function perSecond({ done, milliseconds }: HashChecks): number {
  return (done / milliseconds) * 1_000
}

/** How many logins there are a second is a matter of all cores: the hash has one, and what is around it another. */
async function withAllCores<T>(
  { gateway, hashes, browsers }: Pick<Scene, 'gateway' | 'hashes' | 'browsers'>,
  measure: () => Promise<T>,
): Promise<T> {
  for (const process of [gateway, hashes, browsers]) move(process, 'anywhere')
  try {
    return await measure()
  } finally {
    for (const process of [gateway, hashes]) move(process, 'measured')
    move(browsers, 'beside')
  }
}

function middle(rounds: readonly LoginRound[]): LoginResult {
  const of = (pick: (round: LoginRound) => number): number => median(rounds.map(pick))
  return {
    rounds,
    hashesPerSecond: of((round) => round.hashesPerSecond),
    loginsPerSecond: of((round) => round.loginsPerSecond),
    rate: of((round) => round.rate),
    cpuPerHash: of((round) => round.cpuPerHash),
    cpuPerLogin: of((round) => round.cpuPerLogin),
    share: of((round) => round.share),
    p99Quiet: of((round) => round.p99Quiet),
    p99Flooded: of((round) => round.p99Flooded),
    p99Ratio: of((round) => round.p99Ratio),
    requestsQuiet: of((round) => round.requestsQuiet),
    requestsFlooded: of((round) => round.requestsFlooded),
    floodLoginsPerSecond: of((round) => round.floodLoginsPerSecond),
  }
}

/** Milliseconds since this call. */
function cpuOf({ pid }: Process): () => number {
  const before = cpuMicroseconds(pid)
  return () => (cpuMicroseconds(pid) - before) / 1_000
}
