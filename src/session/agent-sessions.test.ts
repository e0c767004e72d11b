import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentId, RealmName } from '../base/brand.ts'
import { createAgentSessions, type KnownAgent } from './agent-sessions.ts'
import { ALICE, createMachine, established, FROM } from './processes.fixture.ts'

const LEGACY: KnownAgent = { id: 'legacy' as AgentId, realm: '/employees' as RealmName, stamp: 'one' }
const PLACE = { siteId: '01', serverId: '02' }

async function start(t: TestContext) {
  const machine = createMachine(t)
  const process = await machine.start()
  const { clock, audited } = machine
  const audit = { record: (event: (typeof audited)[number]) => void audited.push(event) }
  const as = (...agents: readonly KnownAgent[]) =>
    createAgentSessions({
      store: process.store,
      agents: new Map(agents.map((agent) => [agent.id, agent])),
      place: PLACE,
      audit,
      clock,
    })
  return { ...machine, process, as }
}

test("an agent's session idles never, and is over after a week", async (t) => {
  const { as, pass, audited } = await start(t)
  const sessions = as(LEGACY)
  const { token, session } = await sessions.start(LEGACY, FROM)
  assert.deepEqual([session.agent, session.realm], ['legacy', '/employees'])
  pass(7 * 86_400_000 - 1)
  assert.deepEqual(await sessions.resolve(token), session)
  pass(1)
  assert.equal(await sessions.resolve(token), undefined)
  assert.deepEqual(
    audited.map((event) => [event.event, 'sid' in event && event.sid]),
    [['AgentSignedIn', session.sid]],
  )
})

test('it is over when its profile is gone, is in another realm, or has another secret, and back when that is undone', async (t) => {
  const { as } = await start(t)
  const { token, session } = await as(LEGACY).start(LEGACY, FROM)
  for (const changed of [as(), as({ ...LEGACY, realm: '/' as RealmName }), as({ ...LEGACY, stamp: 'two' })])
    assert.equal(await changed.resolve(token), undefined)
  assert.deepEqual(await as(LEGACY).resolve(token), session)
})

test('whoever has the token may end it, once', async (t) => {
  const { as, audited } = await start(t)
  const sessions = as(LEGACY)
  const { token } = await sessions.start(LEGACY, FROM)
  const other = await sessions.start(LEGACY, FROM)
  assert.equal(await sessions.end(token, FROM), true)
  assert.equal(await sessions.end(token, FROM), false)
  assert.equal(await sessions.resolve(token), undefined)
  assert.ok(await sessions.resolve(other.token))
  assert.equal(audited.at(-1)?.event, 'AgentSignedOut')
})

test("it is no person's session, and a person's token is no agent's", async (t) => {
  const { as, process } = await start(t)
  const sessions = as(LEGACY)
  const { token } = await sessions.start(LEGACY, FROM)
  assert.equal(await process.sessions.resolve(token, 'login'), undefined)
  assert.equal(await process.sessions.resolve(token, 'agent:legacy'), undefined)
  assert.deepEqual(await process.store.sessions.list({ limit: 10 }), [])
  const alice = await established(process.sessions.establish(ALICE, FROM))
  assert.equal(await sessions.resolve(alice.token), undefined)
  for (const text of ['', token.slice(1), `${token}x`, token.toUpperCase()])
    assert.equal(await sessions.resolve(text), undefined, text)
})
