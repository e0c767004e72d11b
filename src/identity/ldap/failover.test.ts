import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLdap, SERVICE } from './ldap.fixture.ts'
import { startLdapServer } from './ldap-server.fixture.ts'

const ALICE = ['alice', 'alice-contract-password'] as const
const BOTH = { two: true } as const

test('the second server is asked while the first is down, and the first again when it is back', async (t) => {
  const { server, second, directory, time, logged } = await openLdap(t, BOTH)
  assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  assert.deepEqual(second.heard, [], 'the first is preferred')
  await server.close()
  for (let i = 0; i < 5; i++) assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  assert.ok(second.heard.length > 0)
  const warnings = logged.filter(({ level }) => level === 'warn')
  assert.equal(warnings.length, 1, 'a failure is told once')
  const back = await startLdapServer({ entries: server.entries, port: server.port })
  t.after(() => back.close())
  time.now += 600_000
  assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed')
  assert.ok(back.heard.some(({ kind }) => kind === 'bind'))
  assert.equal(logged.at(-1)?.message, 'a directory server works again')
})

test('a server that answers nothing, or that it is busy, is passed over like one that is down', async (t) => {
  for (const answer of ['hang', { code: 51 }, { code: 52 }] as const) {
    const { server, second, directory } = await openLdap(t, BOTH)
    server.options = { onSearch: () => answer }
    assert.equal((await directory.checkPassword(...ALICE)).kind, 'passed', JSON.stringify(answer))
    assert.ok(second.heard.length > 0)
  }
})

test('while no server works, nobody waits for what just failed; one tries again for all', async (t) => {
  const { server, directory, time } = await openLdap(t)
  server.options = { onBind: () => ({ code: 52 }) }
  await assert.rejects(directory.checkPassword(...ALICE), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  const heard = server.heard.length
  for (let i = 0; i < 10; i++)
    await assert.rejects(directory.checkPassword(...ALICE), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  assert.equal(server.heard.length, heard, 'left alone')
  time.now += 1_000
  await Promise.allSettled(Array.from({ length: 10 }, () => directory.checkPassword(...ALICE)))
  assert.equal(server.heard.length, heard + 1, 'asked once more')
  server.options = {}
  time.now += 60_000
  const all = await Promise.all(Array.from({ length: 10 }, () => directory.checkPassword(...ALICE)))
  assert.ok(all.every(({ kind }) => kind === 'passed'))
})

test('a password is sent once: no second server counts the same wrong one', async (t) => {
  const { server, second, directory } = await openLdap(t, BOTH)
  server.options = { onBind: (dn) => (dn === SERVICE.dn ? undefined : 'hang') }
  await assert.rejects(directory.checkPassword('alice', 'wrong'), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  assert.ok(!second.heard.some((each) => each.kind === 'bind' && each.password === 'wrong'))
})

test('too many at once are told that it is too much', async (t) => {
  const { directory } = await openLdap(t, { config: () => ({ connections: 1 }), onSearch: () => 'hang' })
  const all = await Promise.allSettled(Array.from({ length: 40 }, () => directory.checkPassword(...ALICE)))
  const codes = all.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'answered'))
  assert.ok(codes.includes('GH_BUSY'))
  assert.ok(!codes.includes('answered'))
})
