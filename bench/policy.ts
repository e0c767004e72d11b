import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compilePolicies } from '../src/policy/compile.ts'
import type { AccessQuery, PolicyDecisionPoint } from '../src/policy/decision.ts'
import { rememberDecisions } from '../src/policy/remembered-decisions.ts'
import { casbin, cedar, type Engine } from './foreign-engines.ts'
import { areasOf, policiesFor, queriesFor } from './policy-workload.ts'
import { median, percentile } from './statistics.ts'

/** Microseconds of single decisions; `count` of them were taken. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

/** One engine with so many policies. */
export interface EngineRow {
  readonly engine: string
  readonly policies: number
  /** Of addresses that were never asked about. */
  readonly first: Spread
  /** Of the same again: from a cache of decisions where the engine has one, and else decided anew. */
  readonly again: Spread
  readonly remembers: boolean
  /** Milliseconds until it could be asked. */
  readonly readyMs: number
}

export interface PolicyResult {
  readonly rows: readonly EngineRow[]
  /** What taking the time itself takes, microseconds: it is in every figure of the rows. */
  readonly clock: Spread
  /** Microseconds of processor time a decision among 10 policies, median of the rounds. */
  readonly few: number
  /** Among 10,000, asked about the same ten areas. */
  readonly many: number
  /** Among 10,000, asked about each area in turn: what the processor's caches cannot hold is in this number too. */
  readonly everywhere: number
  /** `many` to `few`, round by round. */
  readonly ratios: readonly number[]
  readonly ratio: number
  /** Of 10,000 policies compiled: milliseconds of processor time, and MiB that stay. */
  readonly compile: { readonly cpuMs: number; readonly megabytes: number }
}

const SIZES = [10, 1_000, 10_000] as const
const [FEW, MANY] = [10, 10_000]
const DECISIONS = 200_000
const SAMPLES = 10_000
/** An engine that takes long is asked less often. */
const SAMPLE_MS = 3_000
const FEWEST_SAMPLES = 100

export async function measurePolicy(rounds: number): Promise<PolicyResult> {
  const loops = measureLoops(rounds)
  const compile = measureCompile()
  // Ours first: what others leave in memory is looked through whenever garbage is collected.
  const own = new Map<number, EngineRow>()
  for (const size of SIZES) own.set(size, await measureOwn(size, rounds))
  const rows: EngineRow[] = []
  for (const size of SIZES) {
    const row = own.get(size)
    if (row !== undefined) rows.push(row)
    rows.push(...(await measureOthers(size)))
  }
  return { ...loops, rows, clock: await spreadOf(SAMPLES, () => undefined), compile }
}

/** The middle of the rounds, each with policies that were just compiled. */
async function measureOwn(size: number, rounds: number): Promise<EngineRow> {
  const queries = queriesFor(areasOf(size), SAMPLES)
  const taken: EngineRow[] = []
  for (let round = 0; round <= rounds; round++) {
    const own = gatehouse(size, queries)
    const row = await measureEngine(own, { size, expected: (nth) => nth % 2 === 0 })
    // The compiler has seen enough once another realm of the same kind was asked.
    if (round > 0) taken.push(row)
  }
  const middle = (of: (row: EngineRow) => Spread): Spread => ({
    p50: median(taken.map((row) => of(row).p50)),
    p99: median(taken.map((row) => of(row).p99)),
    count: SAMPLES,
  })
  return {
    engine: 'gatehouse',
    policies: size,
    first: middle(({ first }) => first),
    again: middle(({ again }) => again),
    remembers: true,
    readyMs: median(taken.map(({ readyMs }) => readyMs)),
  }
}

/** All engines are asked the same, and have to say the same of everything that they are asked. */
async function measureOthers(size: number): Promise<readonly EngineRow[]> {
  const areas = areasOf(size)
  const queries = queriesFor(areas, SAMPLES)
  const own = gatehouse(size, queries)
  const rows: EngineRow[] = []
  for (const engine of [await casbin(areas, queries), await cedar(areas, queries)])
    rows.push(await measureEngine(engine, { size, expected: (nth) => own.ask(nth) }))
  return rows
}

function gatehouse(size: number, queries: readonly AccessQuery[]): Engine {
  const policies = policiesFor(areasOf(size))
  const began = performance.now()
  const pdp = compilePolicies(policies)
  const readyMs = performance.now() - began
  // Every site remembers its own decisions; there is room for all that are asked for.
  const sites = new Map(queries.map(({ resource }) => [resource.host, rememberDecisions(pdp, 2 * SAMPLES)]))
  const questions = queries.map((query) => ({ query, site: sites.get(query.resource.host) ?? pdp }))
  return {
    name: 'gatehouse',
    readyMs,
    ask(nth) {
      const question = questions[nth]
      return question !== undefined && question.site.evaluate(question.query).allowed
    },
  }
}

async function measureEngine(
  engine: Engine,
  { size, expected }: { readonly size: number; readonly expected: (nth: number) => boolean },
): Promise<EngineRow> {
  const answers: boolean[] = []
  const first = await spreadOf(SAMPLES, (nth) => void (answers[nth] = engine.ask(nth)))
  const { remembered } = engine
  let again: Spread
  if (remembered === undefined) again = await spreadOf(first.count, (nth) => void engine.ask(nth))
  else {
    for (let nth = 0; nth < first.count; nth++) await remembered(nth)
    again = await spreadOf(first.count, async (nth) => void (answers[nth] = (await remembered(nth)) && answers[nth]!))
  }
  for (const [nth, answer] of answers.entries())
    if (answer !== expected(nth)) throw new Error(`${engine.name} decides otherwise about question ${nth} of ${size}`)
  const { name, readyMs } = engine
  return { engine: name, policies: size, first, again, remembers: remembered !== undefined, readyMs }
}

/** Takes the time of each; ends early when that takes too long, but not before there are some. */
async function spreadOf(count: number, one: (nth: number) => void | Promise<void>): Promise<Spread> {
  const taken: number[] = []
  const end = performance.now() + SAMPLE_MS
  for (let nth = 0; nth < count; nth++) {
    const began = performance.now()
    const done = one(nth)
    if (done !== undefined) await done
    const now = performance.now()
    taken.push((now - began) * 1_000)
    if (now > end && nth >= FEWEST_SAMPLES) break
  }
  return { p50: percentile(taken, 0.5), p99: percentile(taken, 0.99), count: taken.length }
}

type Loops = Pick<PolicyResult, 'few' | 'many' | 'everywhere' | 'ratios' | 'ratio'>

/** Decisions of realms with few and with many policies, in turn. Half of the queries are denied. */
function measureLoops(rounds: number): Loops {
  const [few, many] = [FEW, MANY].map((size) => compilePolicies(policiesFor(areasOf(size))))
  if (few === undefined || many === undefined) throw new TypeError('two sizes')
  const [ten, all] = [queriesFor(areasOf(FEW), 1_000), queriesFor(areasOf(MANY), 1_000)]
  const sample = (): Omit<Loops, 'ratios' | 'ratio'> => ({
    few: time(few, ten),
    many: time(many, ten),
    everywhere: time(many, all),
  })
  sample()
  const samples = Array.from({ length: rounds }, sample)
  const ratios = samples.map((taken) => taken.many / taken.few)
  return {
    few: median(samples.map((taken) => taken.few)),
    many: median(samples.map((taken) => taken.many)),
    everywhere: median(samples.map((taken) => taken.everywhere)),
    ratios,
    ratio: median(ratios),
  }
}

/** Microseconds a decision. Processor time of this process: what others do on the machine is not in it. */
function time(pdp: PolicyDecisionPoint, asked: readonly AccessQuery[]): number {
  let allowed = 0
  const before = process.cpuUsage()
  for (let i = 0; i < DECISIONS; i++) {
    const query = asked[i % asked.length]
    if (query !== undefined && pdp.evaluate(query).allowed) allowed++
  }
  const { user, system } = process.cpuUsage(before)
  if (allowed !== DECISIONS / 2) throw new Error(`${allowed} of ${DECISIONS} were allowed, not half of them`)
  return (user + system) / DECISIONS
}

/** The middle of five, each after a collection of garbage. */
function measureCompile(): PolicyResult['compile'] {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const policies = policiesFor(areasOf(MANY))
  const kept: PolicyDecisionPoint[] = []
  const taken = Array.from({ length: 5 }, () => {
    collect()
    const { heapUsed } = process.memoryUsage()
    const before = process.cpuUsage()
    kept.push(compilePolicies(policies))
    const { user, system } = process.cpuUsage(before)
    collect()
    return { cpuMs: (user + system) / 1_000, megabytes: (process.memoryUsage().heapUsed - heapUsed) / 2 ** 20 }
  })
  if (kept.length !== taken.length) throw new TypeError('each is kept while it is measured')
  return { cpuMs: median(taken.map(({ cpuMs }) => cpuMs)), megabytes: median(taken.map(({ megabytes }) => megabytes)) }
}
