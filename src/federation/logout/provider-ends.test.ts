import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { EndCause } from '../../telemetry/audit.ts'
import { createKeptMarks, markKeeping, type KeptMark } from './kept-marks.ts'
import { tellProviders } from './provider-ends.ts'

/** Ties in a store of this test's, and what providers are told; those in `down` do not answer. */
function scene() {
  const records = new Map<string, { readonly value: string; readonly version: number }>()
  const lives: number[] = []
  const put = (key: string, value: string, { version, ttlMs }: { version: number; ttlMs: number }): true => {
    records.set(key, { value, version })
    lives.push(ttlMs)
    return true
  }
  const versioned = {
    create: (space: string, key: string, value: string, ttlMs: number) =>
      Promise.resolve(!records.has(space + key) && put(space + key, value, { version: 1, ttlMs })),
    load: (space: string, key: string) => Promise.resolve(records.get(space + key)),
    replace: (space: string, key: string, at: number, value: string, ttlMs: number) =>
      Promise.resolve(records.get(space + key)?.version === at && put(space + key, value, { version: at + 1, ttlMs })),
    remove: (space: string, key: string) => Promise.resolve(void records.delete(space + key)),
  }
  const marks = createKeptMarks({ store: { versioned }, clock: () => 0 as EpochMs })
  const sessionOf = (properties: Readonly<Record<string, string>>) => ({
    ...{ sid: 's', maxExpiresAt: 1_000 as EpochMs, properties },
  })
  const down = new Set<string>()
  const told: string[] = []
  const errors: unknown[] = []
  const tell = ({ provider, text }: KeptMark, { isTold }: { readonly isTold: boolean }): Promise<void> => {
    if (down.has(provider)) return Promise.reject(new Error('away'))
    told.push(`${text}${isTold ? ', which knows' : ''}`)
    return Promise.resolve()
  }
  const end = (cause: EndCause = 'admin'): Promise<void> =>
    tellProviders(
      { realm: '/staff' as RealmName, sid: 's', userId: 'u', cause },
      { marks, tell: { oidc: tell, saml: tell }, log: { error: (...line: unknown[]) => void errors.push(line) } },
    )
  return { marks, records, lives, sessionOf, down, told, errors, end }
}

test('each provider of a session is told once; who cannot be reached is told again, and given up after ten tries', async () => {
  const { marks, records, lives, sessionOf, down, told, errors, end } = scene()
  await marks.keep(sessionOf({ oidc: 'corp sid tokens', saml: 'idp name index record', other: 'x y z' }))
  down.add('idp')
  await assert.rejects(end(), /idp could not be told/)
  await assert.rejects(end())
  assert.deepEqual(told, ['corp sid tokens'])
  down.clear()
  await end()
  assert.deepEqual(told, ['corp sid tokens', 'idp name index record'])
  await end()
  assert.deepEqual([told.length, records.size, errors.length], [2, 0, 0])
  assert.ok(lives.every((ms) => ms <= 1_000 + 25 * 3_600_000))

  await marks.keep(sessionOf({ saml: 'idp name index record' }))
  down.add('idp')
  for (let tries = 1; tries < 10; tries++) await assert.rejects(end())
  await end()
  assert.deepEqual([records.size, errors.length], [0, 1])
  assert.match(JSON.stringify(errors), /"providers":"idp"[^]*given up/)
})

test('who asked for the end, and who hears of it from the browser, is not told', async () => {
  const { marks, sessionOf, told, end } = scene()
  await marks.visited('s', 'oidc', 'corp')
  await marks.keep(sessionOf({ oidc: 'corp sid tokens' }))
  await end('provider')
  await marks.keep(sessionOf({ oidc: 'corp sid tokens', saml: 'idp name index record' }))
  await marks.visited('s', 'saml', 'idp')
  await end('logout')
  assert.deepEqual(told, ['corp sid tokens, which knows', 'corp sid tokens', 'idp name index record, which knows'])
})

test('a login that strengthens a session adds what it brings: tokens each, a SAML session once, eight at most', async () => {
  const { marks, sessionOf, told, end } = scene()
  const started = (properties: Readonly<Record<string, string>>) => ({ session: sessionOf(properties) })
  const sessions = markKeeping(
    {
      establish: () => Promise.resolve({ kind: 'established', issued: started({ saml: 'idp n i r0' }) }),
      upgrade: ({ gen }: { readonly gen: number }) =>
        Promise.resolve(gen > 9 ? undefined : started({ oidc: `corp sid t${gen}`, saml: `idp n i r${gen}` })),
    } as never,
    marks,
  )
  await sessions.establish({} as never, {} as never)
  for (let gen = 1; gen <= 10; gen++) await sessions.upgrade({ gen } as never, {} as never, {} as never)
  await end()
  assert.deepEqual(told, [3, 4, 5, 6, 7, 8, 9].map((n) => `corp sid t${n}`).concat('idp n i r9'))
})
