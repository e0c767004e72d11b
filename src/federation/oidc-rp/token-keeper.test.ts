import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { createMachine } from '../../session/processes.fixture.ts'
import type { ProviderTokens, Refreshed } from './provider.ts'
import { createTokenKeeper, type TokenKeeper } from './token-keeper.ts'

const LEASE_MS = 25_000
const sealer: Sealer = {
  seal: (_, value) => JSON.stringify(value),
  open: (_, text) => JSON.parse(text) as JsonValue,
}

interface Scene {
  /** Keepers of so many processes on one store. */
  readonly keepers: readonly TokenKeeper[]
  readonly name: string
  /** A provider that takes each refresh token once, and takes everything back where one comes twice. */
  readonly client: { refresh(tokens: ProviderTokens): Promise<Refreshed> }
  readonly calls: string[]
  /** While set, answers of the provider are lost, or wait. */
  lose: boolean
  forward(ms: number): void
}

async function scene(t: TestContext, processes = 2): Promise<Scene> {
  const { start, clock, pass } = createMachine(t)
  const keepers: TokenKeeper[] = []
  for (let i = 0; i < processes; i++) {
    const { store } = await start()
    const { versioned, leases } = store
    keepers.push(createTokenKeeper({ versioned, leases, sealer, clock, leaseMs: LEASE_MS }))
  }
  const calls: string[] = []
  let valid = 'r0'
  const given = (): ProviderTokens => ({
    idToken: 'i',
    accessToken: 'a',
    refreshToken: valid,
    expiresAt: clock() + 60_000,
  })
  const name = await (keepers[0] as TokenKeeper).keep(given(), 3_600_000)
  const self: Scene = {
    keepers,
    name,
    calls,
    lose: false,
    client: {
      refresh(tokens) {
        calls.push(tokens.refreshToken ?? '')
        if (tokens.refreshToken !== valid) return Promise.resolve({ kind: 'over' })
        valid = `r${calls.length}`
        // It never comes back to who asked: that process is gone.
        return self.lose ? new Promise(() => undefined) : Promise.resolve({ kind: 'refreshed', tokens: given() })
      },
    },
    forward: pass,
  }
  return self
}

test('whatever number of processes want it, each time one asks', async (t) => {
  const s = await scene(t, 4)
  const all = (): Promise<readonly string[]> =>
    Promise.all(
      Array.from({ length: 200 }, async (_, i) => (await s.keepers[i % 4]?.refresh(s.name, s.client))?.kind ?? ''),
    )
  assert.deepEqual([...new Set(await all())], ['current'], 'nothing is due')
  for (const calls of [1, 2]) {
    s.forward(55_000)
    const kinds = await all()
    assert.equal(kinds.filter((kind) => kind === 'refreshed').length, 1)
    assert.deepEqual(
      [...new Set(kinds)].filter((kind) => kind !== 'refreshed' && kind !== 'elsewhere' && kind !== 'current'),
      [],
    )
    assert.equal(s.calls.length, calls)
  }
  assert.deepEqual(s.calls, ['r0', 'r1'])
  assert.equal((await s.keepers[3]?.read(s.name))?.refreshToken, 'r2', 'the others find the result')
})

test('a holder that dies in the middle signs nobody out, though the provider takes its refresh token for stolen', async (t) => {
  const s = await scene(t)
  const [dying, other] = s.keepers
  s.forward(55_000)
  s.lose = true
  void dying?.refresh(s.name, s.client)
  while (s.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
  s.lose = false
  assert.equal((await other?.refresh(s.name, s.client))?.kind, 'elsewhere', 'the lease holds')
  s.forward(LEASE_MS)
  assert.equal((await other?.refresh(s.name, s.client))?.kind, 'failed')
  assert.deepEqual(s.calls, ['r0', 'r0'])
  assert.equal((await other?.refresh(s.name, s.client))?.kind, 'current', 'it is not tried again')
})

test('only a grant that is taken back is over', async (t) => {
  const s = await scene(t)
  const [keeper] = s.keepers
  const answering = (answer: Refreshed) => ({ refresh: () => Promise.resolve(answer) })
  s.forward(55_000)
  const refused = answering({ kind: 'failed', isAnswered: true, detail: '' })
  assert.equal((await keeper?.refresh(s.name, refused))?.kind, 'failed')
  assert.equal((await keeper?.refresh(s.name, refused))?.kind, 'current', 'it is left alone for a while')
  s.forward(30_000)
  assert.equal((await keeper?.refresh(s.name, answering({ kind: 'over' })))?.kind, 'over')
  const t2 = await scene(t)
  t2.forward(55_000)
  const away = answering({ kind: 'failed', isAnswered: false, detail: '' })
  assert.equal((await t2.keepers[0]?.refresh(t2.name, away))?.kind, 'failed')
  t2.forward(30_000)
  assert.equal((await t2.keepers[0]?.refresh(t2.name, answering({ kind: 'over' })))?.kind, 'failed', 'it may be spent')
})

test('who wakes up after the lease writes nothing over what came meanwhile', async (t) => {
  const s = await scene(t)
  const [slow, quick] = s.keepers
  s.forward(55_000)
  let wake: (answer: Refreshed) => void = () => undefined
  const asked = Promise.withResolvers<undefined>()
  const late = slow?.refresh(s.name, {
    refresh: () =>
      new Promise((resolve) => {
        wake = resolve
        asked.resolve(undefined)
      }),
  })
  await asked.promise
  s.forward(LEASE_MS)
  assert.equal((await quick?.refresh(s.name, s.client))?.kind, 'refreshed')
  wake({ kind: 'over' })
  assert.equal((await late)?.kind, 'elsewhere')
  assert.equal((await quick?.read(s.name))?.refreshToken, 'r1')
})
