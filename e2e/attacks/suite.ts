import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { calm, secretsNowhere } from './oracles.ts'
import { startRig, type Rig, type RigOptions } from './rig.ts'

export interface Vector {
  readonly id: string
}

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

/** Why a vector is not replayed yet, by file: for all of it, or by id. */
type Pending = Readonly<Record<string, string | Readonly<Record<string, string>>>>

export function readVectors(name: string): readonly Vector[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `vectors/${name}.json`), 'utf8')) as readonly Vector[]
}

export function readPending(): Pending {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'pending.json'), 'utf8')) as Pending
}

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
  const pending = readPending()[name] ?? {}
  assert.ok(typeof pending === 'object', `${name} is pending as a whole and has a test file`)
  const { only = {}, every } = runners
  const ids = new Set(vectors.map(({ id }) => id))
  assert.equal(ids.size, vectors.length, `${name}: ids are unique`)
  for (const id of [...Object.keys(only), ...Object.keys(pending)]) assert.ok(ids.has(id), `${name}: there is no ${id}`)
  for (const vector of vectors) {
    const { id } = vector
    const runner = only[id] ?? every
    if (id in pending) {
      assert.ok(!(id in only), `${name}.${id} is pending and has a runner`)
      continue
    }
    assert.ok(runner !== undefined, `${name}.${id} has neither a runner nor a reason`)
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
