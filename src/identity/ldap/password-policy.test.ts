import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindOutcome } from './bind-outcome.ts'
import { openLdap, SERVICE } from './ldap.fixture.ts'
import type { FixtureAnswer } from './ldap-server.fixture.ts'

const AD = (code: string): FixtureAnswer => ({
  code: 49,
  message: `80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data ${code}, v3839`,
})

const REFUSALS: readonly (readonly [string, FixtureAnswer, string])[] = [
  ['password expired', { code: 49, policy: { error: 0 } }, 'password-expired'],
  ['locked', { code: 49, policy: { error: 1 } }, 'locked'],
  ['locked, as success', { code: 0, policy: { error: 1 } }, 'locked'],
  ['must change', { code: 0, policy: { error: 2 } }, 'must-change'],
  ['expired, as success', { code: 0, policy: { error: 0 } }, 'password-expired'],
  ['nothing more', { code: 49 }, 'wrong-password'],
  ['an error that is not about binds', { code: 49, policy: { error: 8 } }, 'wrong-password'],
  ['389: too many tries', { code: 19, message: 'Exceed password retry limit' }, 'locked'],
  ['389: switched off', { code: 53, message: 'Account inactivated' }, 'disabled'],
  ['no password', { code: 48 }, 'wrong-password'],
  ['deleted meanwhile', { code: 32 }, 'unknown-user'],
  ['AD: nobody', AD('525'), 'unknown-user'],
  ['AD: wrong', AD('52e'), 'wrong-password'],
  ['AD: not at this hour', AD('530'), 'disabled'],
  ['AD: not at this workstation', AD('531'), 'disabled'],
  ['AD: expired', AD('532'), 'password-expired'],
  ['AD: disabled', AD('533'), 'disabled'],
  ['AD: account expired', AD('701'), 'disabled'],
  ['AD: must change', AD('773'), 'must-change'],
  ['AD: locked', AD('775'), 'locked'],
  ['AD: something new', AD('999'), 'wrong-password'],
]

test('each answer of a password policy is refused for its reason', async (t) => {
  for (const [title, answer, reason] of REFUSALS) {
    const { directory } = await openLdap(t, { onBind: (dn) => (dn === SERVICE.dn ? undefined : answer) })
    const checked = await directory.checkPassword('alice', 'whatever')
    assert.deepEqual(checked, { kind: 'failed', reason }, title)
    assert.deepEqual(await directory.checkPassword('nobody', 'whatever'), { kind: 'failed', reason: 'unknown-user' })
  }
})

test('a password that is about to expire, or has a few logins left, is right and says so', async (t) => {
  const { server, directory } = await openLdap(t)
  const warning = async (policy: NonNullable<FixtureAnswer['policy']>): Promise<unknown> => {
    server.options = { onBind: (dn) => (dn === SERVICE.dn ? undefined : { code: 0, policy }) }
    const checked = await directory.checkPassword('alice', 'whatever')
    return checked.kind === 'passed' ? checked.warning : checked
  }
  assert.deepEqual(await warning({ timeBeforeExpiration: 3_600 }), { kind: 'expires', inSeconds: 3_600 })
  assert.deepEqual(await warning({ graceAuthNsRemaining: 0 }), { kind: 'expired', graceLoginsLeft: 0 })
  assert.equal(await warning({}), undefined)
})

test('only success is success', () => {
  for (let code = 1; code < 256; code++) {
    let kind: string
    try {
      kind = bindOutcome({ code, message: 'data 0', policy: undefined }).kind
    } catch {
      kind = 'fault'
    }
    assert.notEqual(kind, 'right', String(code))
  }
})
