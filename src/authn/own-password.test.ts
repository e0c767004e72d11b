import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import type { OwnPasswords } from '../identity/directory.ts'
import { managedBench, newUser, REALM } from '../identity/managed/managed.fixture.ts'
import { passwordEpochKey } from '../session/lasting-epochs.ts'
import { createPartialSessions } from '../session/partial.ts'
import { ALICE, established } from '../session/processes.fixture.ts'
import { createSessionService } from '../session/service.ts'
import { sessionRulesSchema } from '../session/session-rules.schema.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { authnSchema } from './chains.schema.ts'
import { createOwnPassword } from './own-password.ts'
import { loadModuleTypes } from './modules/catalogue.ts'
import { compileRealmAuthn } from './realm-authn.ts'

const PASSWORD = 'a first good password'
const NEXT = 'quite another password'
const ORIGIN = { requestId: 'r-1', clientIp: '192.0.2.1' }
const silent = (): void => undefined
const log = { error: silent, warn: silent, info: silent, debug: silent }

type Change = OwnPasswords['change']

/** Alice, signed in three times and at a fourth login, with a device that is remembered. */
async function bench(t: TestContext, wrap = (change: Change): Change => change) {
  const { process, hash } = managedBench(t)
  const { store, sealer, records, directory } = await process()
  const user = await records.create(newUser('alice', await hash(PASSWORD)))
  assert.ok(user)
  const audited: AuditEvent[] = []
  const audit = { record: (event: AuditEvent) => void audited.push(event) }
  const place = { siteId: '01', serverId: '01' }
  const sessions = createSessionService({ store, clock: systemClock, audit, log, place })
  t.after(() => sessions.close())
  const start = async () => {
    const draft = { ...ALICE, realm: REALM, userId: user.id, username: 'alice' }
    return (await established(sessions.establish(draft, ORIGIN))).session
  }
  const [session] = [await start(), await start(), await start()]
  const modules = { password: { type: 'password' }, device: { type: 'device' } }
  const authentication = authnSchema.parse({ modules })
  const config = { name: REALM, authentication, session: sessionRulesSchema.parse({}), users: [], look: {} }
  const loginOrigin = 'https://login.acme.example'
  const realm = compileRealmAuthn(config, {
    moduleTypes: await loadModuleTypes(['password', 'device']),
    directory,
    sealer,
    store,
    clock: systemClock,
    loginOrigin,
  })
  const { passwords } = directory
  assert.ok(passwords)
  const wrapped = { ...passwords, change: wrap(passwords.change.bind(passwords)) }
  await realm.factors.add(user.id, { type: 'device', name: 'laptop', data: 'x' })
  await realm.factors.add(user.id, { type: 'totp', name: 'telephone', data: 'x' })
  const own = createOwnPassword({
    realms: new Map([[REALM, { ...realm, directory: { ...directory, passwords: wrapped } }]]),
    sessions,
    audit,
    clock: systemClock,
  })
  const change = async (current: string, next: string) => (await own.change(session, { current, next }, ORIGIN)).kind
  const running = async () => (await sessions.ofUser({ realm: REALM, userId: user.id })).map(({ sid }) => sid)
  const partials = createPartialSessions({ store, clock: systemClock })
  const half = { ...ALICE, realm: REALM, userId: user.id, authQueries: [], lifeMs: 300_000 }
  const partial = (await partials.begin(half, ORIGIN)) ?? ''
  assert.ok(partial)
  const isUnderWay = () => partials.isLive(partial)
  const passwordEpoch = async () => (await store.epochs.read([passwordEpochKey({ realm: REALM, userId: user.id })]))[0]
  return { own, change, running, isUnderWay, passwordEpoch, session, realm, directory, records, user, audited }
}

test('a change ends the other sessions and forgets devices; this session and other factors stay', async (t) => {
  const { change, running, isUnderWay, passwordEpoch, session, realm, directory, user, audited } = await bench(t)
  assert.equal((await running()).length, 3)
  assert.equal(await passwordEpoch(), 0)
  assert.equal(await change(PASSWORD, NEXT), 'changed')
  assert.deepEqual(await running(), [session.sid])
  assert.equal(await passwordEpoch(), 1, 'what applications may do without a session ends')
  assert.equal(await isUnderWay(), false, 'who proved the old one finishes no login with it')
  assert.deepEqual(
    (await realm.factors.list(user.id)).map(({ type }) => type),
    ['totp'],
  )
  assert.equal((await directory.checkPassword('alice', NEXT)).kind, 'passed')
  const changed = audited.find(({ event }) => event === 'PasswordChanged')
  assert.deepEqual(changed && { ...changed, at: 0 }, {
    event: 'PasswordChanged',
    at: 0,
    ...ORIGIN,
    realm: REALM,
    username: 'alice',
    sid: session.sid,
    by: 'account',
  })
})

test('a fault that leaves open whether it changed ends the other sessions and forgets devices all the same', async (t) => {
  const { change, running, isUnderWay, session, realm, directory, user } = await bench(
    t,
    (original) =>
      async (...args) => {
        await original(...args)
        throw fault('GH_DIRECTORY_UNAVAILABLE')
      },
  )
  await assert.rejects(change(PASSWORD, NEXT), { code: 'GH_DIRECTORY_UNAVAILABLE' })
  assert.equal((await directory.checkPassword('alice', NEXT)).kind, 'passed')
  assert.deepEqual(await running(), [session.sid])
  assert.equal(await isUnderWay(), false)
  assert.deepEqual(
    (await realm.factors.list(user.id)).map(({ type }) => type),
    ['totp'],
  )
})

test('who has only the session learns nothing and guesses no faster than at the login', async (t) => {
  const { own, change, running, session, realm, audited } = await bench(t)
  for (let n = 0; n < 6; n++) assert.equal(await change('a wrong password', NEXT), 'wrong')
  const outcome = await own.change(session, { current: PASSWORD, next: NEXT }, ORIGIN)
  assert.ok(outcome.kind === 'throttled' && outcome.retryAfterMs > 0)
  const atLogin = await realm.throttle.reserve({ username: 'alice', clientIp: ORIGIN.clientIp })
  assert.equal(atLogin.kind, 'throttled')
  assert.equal((await running()).length, 3)
  assert.equal(audited.filter(({ event }) => event === 'AuthnFailed').length, 6)
})

test('a bad password is refused with the reason, and one whose owner is another by now changes nothing', async (t) => {
  const { own, change, running, session, records, user } = await bench(t)
  const refused = await own.change(session, { current: PASSWORD, next: 'short' }, ORIGIN)
  assert.deepEqual(refused, { kind: 'refused', flaw: { kind: 'too-short', atLeast: 15 } })
  assert.equal(own.minLengthFor(REALM), 15)
  const { password } = user
  await records.remove(user.id)
  await records.create(newUser('alice', password))
  assert.equal(await change(PASSWORD, NEXT), 'wrong')
  assert.equal((await running()).length, 3)
})
