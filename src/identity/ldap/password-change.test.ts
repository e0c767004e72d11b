import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { PasswordChange, PasswordCheck } from '../directory.ts'
import { openLdap, PEOPLE_BASE, type LdapScene, type SceneOptions } from './ldap.fixture.ts'
import type { FixtureAnswer } from './ldap-server.fixture.ts'

const DN = `uid=alice,${PEOPLE_BASE}`
const OLD = 'alice-contract-password'
const NEXT = 'a fine new password'
const RESET: FixtureAnswer = { code: 0, policy: { error: 2 } }

function open(t: TestContext, options: SceneOptions = {}): Promise<LdapScene> {
  return openLdap(t, { ...options, config: () => ({ passwordChange: 'passwordModify' }) })
}

/** Answers binds as alice like this, where her password is right. */
const asAlice =
  (answer: FixtureAnswer) =>
  (dn: string, password: string): FixtureAnswer | undefined =>
    dn === DN && password === OLD ? answer : undefined

const change = (scene: LdapScene, next = NEXT, old = OLD): Promise<PasswordChange | undefined> =>
  Promise.resolve(scene.directory.passwords?.change('id-alice', old, next))

test('RFC 3062: who must change their password does it as themselves, with the old one once more', async (t) => {
  const scene = await open(t, { onBind: asAlice(RESET) })
  const checked = await scene.directory.checkPassword('alice', OLD)
  assert.ok(checked.kind === 'change-first')
  assert.deepEqual(
    { reason: checked.reason, id: checked.user.id, groups: [...checked.user.groups].sort() },
    { reason: 'must-change', id: 'id-alice', groups: ['payroll', 'staff'] },
  )
  scene.server.heard.length = 0
  assert.equal((await change(scene, NEXT, checked.stamp))?.kind, 'changed')
  const [bind, changed] = scene.server.heard.filter(({ kind }) => kind === 'bind' || kind === 'change')
  assert.ok(bind?.kind === 'bind' && changed?.kind === 'change')
  assert.deepEqual([bind.dn, bind.password], [DN, OLD])
  assert.deepEqual(changed, { kind: 'change', as: DN, old: OLD, next: NEXT, connection: bind.connection })
  scene.server.options = {}
  assert.equal((await scene.directory.checkPassword('alice', NEXT)).kind, 'passed')
  assert.deepEqual(await change(scene, 'yet another password'), { kind: 'stale' }, 'the old password changes it once')
})

test('a login that is granted with an expired password is for changing it; the last one is not taken away', async (t) => {
  const scene = await open(t)
  const check = async (policy: NonNullable<FixtureAnswer['policy']>, code = 0): Promise<string> => {
    scene.server.options = { onBind: asAlice({ code, policy }) }
    const checked = await scene.directory.checkPassword('alice', OLD)
    return 'reason' in checked ? `${checked.kind} ${checked.reason}` : checked.kind
  }
  assert.equal(await check({ graceAuthNsRemaining: 1 }), 'change-first password-expired')
  assert.equal(await check({ graceAuthNsRemaining: 0 }), 'passed')
  assert.equal(await check({ error: 0 }), 'change-first password-expired')
  // Nobody was let in: whether the password was right is not known.
  assert.equal(await check({ error: 0 }, 49), 'failed password-expired')
  assert.equal(await check({ error: 2 }, 49), 'failed must-change')
})

test('where the realm does not let people change it, a password that must be changed is refused', async (t) => {
  const { directory } = await openLdap(t, { onBind: asAlice(RESET) })
  const refused: PasswordCheck = { kind: 'failed', reason: 'must-change' }
  assert.deepEqual(await directory.checkPassword('alice', OLD), refused)
  assert.equal(directory.passwords, undefined)
})

test('what the server says against a new password is a reason, and what it cannot do is a fault', async (t) => {
  const scene = await open(t)
  const flawFor = async (answer: FixtureAnswer): Promise<string | undefined> => {
    scene.server.options = { onChange: () => answer }
    const outcome = await change(scene)
    return outcome?.kind === 'refused' ? outcome.flaw.kind : outcome?.kind
  }
  const said = (error: number): FixtureAnswer => ({ code: 19, policy: { error } })
  for (const [answer, flaw] of [
    [said(3), 'not-allowed'],
    [said(5), 'too-weak'],
    [said(6), 'too-short-there'],
    [said(7), 'too-soon'],
    [said(8), 'used-before'],
    [{ code: 19 }, 'too-weak'],
    [{ code: 50 }, 'not-allowed'],
    [{ code: 53 }, 'not-allowed'],
    [{ code: 49 }, 'stale'],
  ] as const)
    assert.equal(await flawFor(answer), flaw)
  for (const code of [1, 2, 8, 10, 32, 51, 52, 80])
    await assert.rejects(flawFor({ code }), { code: 'GH_DIRECTORY_UNAVAILABLE' }, String(code))
})

test('the rules of the realm come first; what breaks them never reaches the server', async (t) => {
  const scene = await open(t)
  assert.equal(scene.directory.passwords?.minLength, 12)
  scene.server.heard.length = 0
  for (const [next, flaw] of [
    ['short', 'too-short'],
    ['password1234', 'common'],
    [OLD, 'used-before'],
    [`${NEXT}\0`, 'unusable'],
  ] as const) {
    const outcome = await change(scene, next)
    assert.equal(outcome?.kind === 'refused' && outcome.flaw.kind, flaw, next)
  }
  assert.ok(!scene.server.heard.some(({ kind }) => kind === 'change'))
})

test('what fails once the server has changed it takes nothing back: they are told that it changed', async (t) => {
  const scene = await open(t)
  scene.server.options = {
    onChange: () => {
      scene.server.options = { onSearch: () => ({ code: 1 }) }
      return undefined
    },
  }
  const changed = await change(scene)
  assert.ok(changed?.kind === 'changed')
  assert.deepEqual([changed.user.id, [...changed.user.groups].sort()], ['id-alice', ['payroll', 'staff']])
})

test('nobody changes the password of somebody else, of nobody, or of who is disabled', async (t) => {
  const scene = await open(t)
  const forUser = (id: string): Promise<PasswordChange | undefined> =>
    Promise.resolve(scene.directory.passwords?.change(id, OLD, NEXT))
  for (const id of ['id-bob', 'id-nobody', 'id-carla', '*', ''])
    assert.deepEqual(await forUser(id), { kind: 'stale' }, id)
  assert.ok(!scene.server.heard.some(({ kind }) => kind === 'change'))
  const carla = scene.directory.passwords?.change('id-carla', 'carla-contract-password', NEXT)
  assert.deepEqual(await carla, { kind: 'stale' })
})
