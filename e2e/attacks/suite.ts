import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { atRest, calm, secretsNowhere } from './oracles.ts'
import { coverageFaults, pendingIds, readPending, readVectors, type Vector } from './pending.ts'
import { startRig, type Rig, type RigOptions } from './rig.ts'

export type { Vector } from './pending.ts'

/** Replays one vector and looks at what came of it. */
export type Runner<V extends Vector> = (rig: Rig, vector: V, t: TestContext) => Promise<void>

export interface Runners<V extends Vector> {
  /** By id; every other id that is not pending is replayed by `every`. */
  readonly only?: Readonly<Record<string, Runner<V>>>
  readonly every?: Runner<V>
  /** Runs once, when the rig is up. */
  readonly setUp?: SetUp
}

type SetUp = (rig: Rig) => Promise<void>

/** Starts a rig for the file and stops it, having looked once more whether it is well and nothing leaked. */
export function useRig(options: RigOptions = {}, setUp?: SetUp): () => Rig {
  let rig: Rig | undefined
  before(async () => {
    rig = await startRig(options)
    await setUp?.(rig)
  })
  after(async () => {
    if (rig === undefined) return
    try {
      await calm(rig, 'at the end', 1_000)
      await atRest(rig)
      secretsNowhere(rig, 'at the end')
      assert.deepEqual(rig.upstream.strays, [], 'nothing reached the application that is no request')
    } finally {
      assert.equal(await rig.stop(), 0, 'the gateway stops cleanly')
    }
  })
  return () => {
    if (rig === undefined) throw new Error('the rig runs inside tests only')
    return rig
  }
}

/** One test for each vector of the file; together with pending.json the runners cover its ids exactly. */
export function runVectors<V extends Vector>(name: string, runners: Runners<V>, options: RigOptions = {}): () => Rig {
  const rig = useRig(options, runners.setUp)
  const vectors = readVectors(name) as readonly V[]
  const { only = {}, every } = runners
  const all = vectors.map(({ id }) => id)
  const pending = pendingIds(readPending(), name, all)
  assert.deepEqual(
    coverageFaults({ all, pending, only: Object.keys(only), every: every !== undefined }),
    [],
    `${name}: every id is run or pending, once`,
  )
  for (const vector of vectors) {
    const { id } = vector
    const runner = only[id] ?? every
    if (runner === undefined || pending.includes(id)) continue
    test(`${name}.${id}`, async (t) => {
      const { tally } = rig()
      const { sent, checks } = tally
      await runner(rig(), vector, t)
      assert.ok(tally.sent > sent, `${name}.${id} attacked nothing`)
      assert.ok(tally.checks > checks, `${name}.${id} looked at nothing`)
      assert.ok(rig().running(), `${name}.${id} ended the gateway`)
    })
  }
  return rig
}
