import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { AgentId } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import type { Audience } from '../store/store.ts'
import { ALICE, APP, createMachine, FROM, revocationOf, established } from './processes.fixture.ts'
import type { SessionToken } from './session.ts'

const PAY = 'pay' as AgentId
const grant = {
  agent: APP,
  audience: 'agent:app',
  goto: 'http://app.acme.localhost/a?b=c',
  binding: 'hash',
  interactive: true,
} as const

test('a code is traded once for a token that is good at its agent only', async (t) => {
  const { audited, start } = createMachine(t)
  const [login, gateway] = [await start(), await start()]
  const { session } = await established(login.sessions.establish(ALICE, FROM))
  const code = await login.handshakes.issue(session, grant)
  const redeemed = await gateway.handshakes.redeem(code, APP, 'hash', FROM)
  assert.equal(redeemed.kind, 'issued')
  assert.equal(redeemed.goto, grant.goto)
  assert.deepEqual(await login.sessions.resolve(redeemed.token, 'agent:app'), redeemed.session)
  for (const audience of ['login', 'agent:pay', 'domain:acme.localhost'] as const) {
    assert.equal(await gateway.sessions.resolve(redeemed.token, audience), undefined)
  }
  const again = await gateway.handshakes.redeem(code, APP, 'hash', FROM)
  assert.deepEqual(again, { kind: 'refused', reason: 'unknown-code' })
  assert.deepEqual(
    audited.map(({ event }) => event),
    ['SessionCreated', 'HandshakeCompleted', 'HandshakeRefused'],
  )
})

test('of a hundred redemptions at once in two processes one gets the token', async (t) => {
  const { start } = createMachine(t)
  const [here, there] = [await start(), await start()]
  const { session } = await established(here.sessions.establish(ALICE, FROM))
  const code = await here.handshakes.issue(session, grant)
  const redeem = (i: number) => (i % 2 ? here : there).handshakes.redeem(code, APP, 'hash', FROM)
  const results = await Promise.all(Array.from({ length: 100 }, (_, i) => redeem(i)))
  assert.equal(results.filter(({ kind }) => kind === 'issued').length, 1)
})

test('a code in another browser is spent and starts the handshake anew there (login CSRF)', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  for (const binding of ['other', undefined, '']) {
    const code = await handshakes.issue(session, grant)
    assert.deepEqual(await handshakes.redeem(code, APP, binding, FROM), { kind: 'other-browser', goto: grant.goto })
    assert.equal((await handshakes.redeem(code, APP, 'hash', FROM)).kind, 'refused')
  }
})

test('a code for another agent is refused and spent', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const code = await handshakes.issue(session, grant)
  assert.deepEqual(await handshakes.redeem(code, PAY, 'hash', FROM), { kind: 'refused', reason: 'other-agent' })
  assert.equal((await handshakes.redeem(code, APP, 'hash', FROM)).kind, 'refused')
})

test('a code is dead after a minute', async (t) => {
  const { pass, start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const [early, late] = [await handshakes.issue(session, grant), await handshakes.issue(session, grant)]
  pass(59_999)
  assert.equal((await handshakes.redeem(early, APP, 'hash', FROM)).kind, 'issued')
  pass(1)
  assert.deepEqual(await handshakes.redeem(late, APP, 'hash', FROM), { kind: 'refused', reason: 'unknown-code' })
})

test('a code of a session that ended or was stepped up in between is refused', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const [first, second] = [await handshakes.issue(session, grant), await handshakes.issue(session, grant)]
  await sessions.upgrade(session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
  assert.deepEqual(await handshakes.redeem(first, APP, 'hash', FROM), { kind: 'refused', reason: 'session-moved-on' })
  await sessions.end(session.sid, 'logout', FROM)
  assert.deepEqual(await handshakes.redeem(second, APP, 'hash', FROM), { kind: 'refused', reason: 'session-ended' })
})

test('a restricted token keeps its level through a step-up, until the next handshake replaces it', async (t) => {
  const { start } = createMachine(t)
  const process = await start()
  const { handshakes, sessions } = process
  const { session } = await established(sessions.establish(ALICE, FROM))
  const child = await handshakes.redeem(await handshakes.issue(session, grant), APP, 'hash', FROM)
  assert.equal(child.kind, 'issued')
  const stronger = await sessions.upgrade(session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM)
  assert.ok(stronger)
  const kept = await sessions.resolve(child.token, 'agent:app')
  assert.deepEqual([kept?.authLevel, kept?.gen, kept?.authInstant], [1, 1, session.authInstant])
  const replaced = revocationOf(process, session.sid)
  const next = await handshakes.redeem(await handshakes.issue(stronger.session, grant), APP, 'hash', FROM)
  assert.equal(next.kind, 'issued')
  await replaced
  assert.equal(await sessions.resolve(child.token, 'agent:app'), undefined)
  assert.equal((await sessions.resolve(next.token, 'agent:app'))?.authLevel, 2)
})

test('restricted tokens die with their session, everywhere', async (t) => {
  const { start } = createMachine(t)
  const [login, gateway] = [await start(), await start()]
  const { session } = await established(login.sessions.establish(ALICE, FROM))
  const child = await gateway.handshakes.redeem(await login.handshakes.issue(session, grant), APP, 'hash', FROM)
  assert.equal(child.kind, 'issued')
  assert.ok(await gateway.sessions.resolve(child.token, 'agent:app'))
  const seen = revocationOf(gateway, session.sid)
  await login.sessions.end(session.sid, 'logout', FROM)
  await seen
  assert.equal(await gateway.sessions.resolve(child.token, 'agent:app'), undefined)
})

test('a code is no token and a token is no code (type confusion)', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session, token } = await established(sessions.establish(ALICE, FROM))
  const code = await handshakes.issue(session, grant)
  const extension = token.slice(43)
  for (const audience of ['login', 'agent:app'] satisfies Audience[]) {
    for (const text of [code, `${code}${extension}`, `${code}*AAAA*`]) {
      assert.equal(await sessions.resolve(text as SessionToken, audience), undefined)
    }
  }
  for (const text of [token, token.slice(0, 43), session.sid, '', '*', 'x'.repeat(100_000)]) {
    assert.deepEqual(await handshakes.redeem(text, APP, 'hash', FROM), { kind: 'refused', reason: 'unknown-code' })
  }
  assert.equal((await handshakes.redeem(code, APP, 'hash', FROM)).kind, 'issued')
})

test('a code for the login host or for another agent is never issued', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  for (const audience of ['login', 'agent:pay'] satisfies Audience[]) {
    await assert.rejects(
      handshakes.issue(session, { ...grant, audience }),
      (caught) => caught instanceof GatehouseError && caught.code === 'GH_INTERNAL',
    )
  }
  const shared = await handshakes.issue(session, { ...grant, audience: 'domain:acme.localhost' })
  const redeemed = await handshakes.redeem(shared, APP, 'hash', FROM)
  assert.equal(redeemed.kind, 'issued')
  assert.ok(await sessions.resolve(redeemed.token, 'domain:acme.localhost'))
})

test('who reads the store cannot read the address that a person wanted: its query may be secret', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions, store } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const goto = 'http://app.acme.localhost/reset?access_token=canary'
  const code = await handshakes.issue(session, { ...grant, goto })
  const record = await store.oneTime.take('handshake', createHash('sha256').update(code).digest('base64url'))
  assert.notEqual(record, undefined)
  assert.doesNotMatch(record ?? '', /canary|acme\.localhost\/reset/)
  const again = await handshakes.redeem(await handshakes.issue(session, { ...grant, goto }), APP, 'hash', FROM)
  assert.equal(again.kind === 'issued' && again.goto, goto)
})

test('the store never holds a code or a token, only what it hashes to', async (t) => {
  const { start } = createMachine(t)
  const { handshakes, sessions, store } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const code = await handshakes.issue(session, grant)
  assert.equal(await store.oneTime.take('handshake', code), undefined)
  assert.equal((await handshakes.redeem(code, APP, 'hash', FROM)).kind, 'issued')
})

test('a token without a code is good at its agent only, and is not given once the session ended or moved on', async (t) => {
  const { audited, start } = createMachine(t)
  const { handshakes, sessions } = await start()
  const { session } = await established(sessions.establish(ALICE, FROM))
  const to = { agent: APP, audience: 'agent:app' } as const
  const token = await handshakes.tokenFor(session, to, FROM)
  assert.ok(token)
  assert.equal((await sessions.resolve(token, 'agent:app'))?.sid, session.sid)
  assert.equal(await sessions.resolve(token, 'login'), undefined)
  await assert.rejects(handshakes.tokenFor(session, { ...to, audience: 'login' }, FROM), { code: 'GH_INTERNAL' })
  assert.ok(await sessions.upgrade(session, { authLevel: 2, authModules: ['totp'], properties: {} }, FROM))
  assert.equal(await handshakes.tokenFor(session, to, FROM), undefined)
  await sessions.end(session.sid, 'logout', FROM)
  assert.equal(await handshakes.tokenFor(session, to, FROM), undefined)
  assert.equal(await sessions.resolve(token, 'agent:app'), undefined)
  const reasons = audited.flatMap((event) => (event.event === 'HandshakeRefused' ? [event.reason] : []))
  assert.deepEqual(reasons, ['session-moved-on', 'session-ended'])
})
