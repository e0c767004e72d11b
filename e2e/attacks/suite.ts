import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { atRest, calm, secretsNowhere } from './oracles.ts'
import { coverageFaults, pendingIds, readPending, readVectors, type Vector } from './pending.ts'
import { startRig, type Rig, type RigOptions } from './rig.ts'

export type { Vector } from './pending.ts'

/** Replays one vector and looks at what came of it. */
export type Runner<V extends Vector> = (rig: Rig, vector: V, t: TestContext) => Promise<void>

type SetUp = (rig: Rig) => Promise<void>

export interface Runners<V extends Vector> {
  /** By id; every other id that is not pending is replayed by `every`. */
  readonly only?: Readonly<Record<string, Runner<V>>>
  readonly every?: Runner<V>
  /** Runs once, when the rig is up. */
  readonly setUp?: SetUp
  /** Registers the tests that go beyond the vectors. */
  readonly beyond?: () => void
}

/** What files have in common that ask for nothing special and run in one process. */
let common: Promise<Rig> | undefined

type CleanUp = () => Promise<unknown>

/** Of the file whose tests are being registered. */
let cleanUps: CleanUp[] = []
const last: CleanUp[] = []

/** Done when the tests of the file are, whatever came of them: a process that is left behind would keep the test from ending. */
export function afterwards(cleanUp: CleanUp): void {
  cleanUps.push(cleanUp)
}

/** Done when everything is. */
export function atLast(cleanUp: CleanUp): void {
  last.push(cleanUp)
}

async function doAll(these: readonly CleanUp[]): Promise<void> {
  const faults: unknown[] = []
  for (const cleanUp of these) await cleanUp().catch((error: unknown) => faults.push(error))
  if (faults.length > 0) throw faults.length === 1 ? faults[0] : new AggregateError(faults)
}

after(() => doAll(last))

async function stopsCleanly(rig: Rig): Promise<void> {
  assert.equal(await rig.stop(), 0, 'the gateway stops cleanly')
}

/** From where it is attacked says nothing of how it is made. */
function isOwn({ from: _, ...making }: RigOptions): boolean {
  return Object.keys(making).length > 0
}

/** A rig of its own for options of its own; else the common one, as if it had just begun. */
async function rigFor(options: RigOptions): Promise<Rig> {
  if (isOwn(options)) return startRig(options)
  if (common === undefined) {
    common = startRig()
    atLast(async () => common && stopsCleanly(await common))
  }
  const rig = (await common).anew(options.from)
  await rig.vitals()
  return rig
}

async function wellAtTheEnd(rig: Rig): Promise<void> {
  await calm(rig, 'at the end', 1_000)
  await atRest(rig)
  secretsNowhere(rig, 'at the end')
  assert.deepEqual(rig.upstream.strays, [], 'nothing reached the application that is no request')
}

interface Scene {
  readonly options?: RigOptions
  readonly setUp?: SetUp | undefined
  /** Registers the tests. */
  readonly tests: () => void
}

/** Tests around one rig. When they are done it is looked at once more whether it is well and nothing leaked. */
export function useRig(name: string, { options = {}, setUp, tests }: Scene): () => Rig {
  let rig: Rig | undefined
  const mine: CleanUp[] = []
  describe(name, () => {
    before(async () => {
      const made = await rigFor(options)
      rig = made
      mine.unshift(() => wellAtTheEnd(made))
      if (isOwn(options)) mine.push(() => stopsCleanly(made))
      await setUp?.(made)
      // How long the loop took to read another configuration is nobody's attack.
      if (setUp !== undefined) await made.vitals()
    })
    cleanUps = mine
    tests()
    after(() => doAll(mine))
  })
  return () => {
    if (rig === undefined) throw new Error('the rig runs inside tests only')
    return rig
  }
}

/** One test for each vector of the file; together with pending.json the runners cover its ids exactly. */
export function runVectors<V extends Vector>(name: string, runners: Runners<V>, options: RigOptions = {}): () => Rig {
  const vectors = readVectors(name) as readonly V[]
  const { only = {}, every, setUp, beyond } = runners
  const all = vectors.map(({ id }) => id)
  const pending = pendingIds(readPending(), name, all)
  assert.deepEqual(
    coverageFaults({ all, pending, only: Object.keys(only), every: every !== undefined }),
    [],
    `${name}: every id is run or pending, once`,
  )
  const replay = (vector: V): void => {
    const { id } = vector
    const runner = only[id] ?? every
    if (runner === undefined || pending.includes(id)) return
    test(`${name}.${id}`, async (t) => {
      const { tally } = rig()
      const { sent, checks } = tally
      await runner(rig(), vector, t)
      assert.ok(tally.sent > sent, `${name}.${id} attacked nothing`)
      assert.ok(tally.checks > checks, `${name}.${id} looked at nothing`)
      assert.ok(rig().running(), `${name}.${id} ended the gateway`)
    })
  }
  const tests = (): void => {
    for (const vector of vectors) replay(vector)
    beyond?.()
  }
  const rig = useRig(name, { options, setUp, tests })
  return rig
}
