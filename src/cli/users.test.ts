import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { createThrottle } from '../identity/throttle.ts'
import { ALICE, established } from '../session/processes.fixture.ts'
import { createSessionService } from '../session/service.ts'
import { withRealm } from './managed-realm.ts'
import { runProgram } from './program.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

const ROOT = '/' as RealmName
const PASSWORD = 'a first good password'

/** A configuration whose root realm has managed users. */
async function createBench(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-users-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const said = { out: '', err: '', code: 0 }
  const terminalWith = (typed: string): Terminal => ({
    stdin: Readable.from([typed]),
    env: {},
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => void (said.code = code),
    exit: (code) => {
      said.code = code
      throw new Error(`exit ${code}`)
    },
  })
  const gatehouse = async (command: string, typed = '') => {
    Object.assign(said, { out: '', err: '', code: 0 })
    const deps = { terminal: terminalWith(typed), serve: () => Promise.resolve() }
    await runProgram([...command.split(' '), '--config', root], deps).catch(() => undefined)
    return { ...said }
  }
  await gatehouse('init')
  rmSync(join(root, 'realms/users.yaml'), { force: true })
  writeFileSync(join(root, 'realms/realm.yaml'), 'directory: { type: managed }\n')
  const users = (command: string, typed?: string) => gatehouse(`users ${command} --realm /`, typed)
  const listed = async () => {
    const { out } = await users('list --json')
    return (JSON.parse(out) as { users: Record<string, unknown>[] }).users
  }
  const terminal = terminalWith('')
  const idOf = async (name: string): Promise<string> => {
    let id = ''
    await withRealm({ config: root, realm: '/' }, terminal, async ({ records }) => {
      id = (await records.byName(name))?.id ?? ''
    })
    return id
  }
  /** How many sessions the user has, after starting `more`. */
  const sessions = async (userId: string, more = 0): Promise<number> =>
    withStore(root, terminal, async ({ store, log }) => {
      const audit = { record: () => undefined }
      const service = createSessionService({
        store,
        clock: systemClock,
        audit,
        log,
        place: { siteId: '01', serverId: '01' },
      })
      for (let n = 0; n < more; n++) {
        const draft = { ...ALICE, realm: ROOT, userId, username: 'alice' }
        await established(service.establish(draft, { requestId: undefined, clientIp: undefined }))
      }
      const running = await service.ofUser({ realm: ROOT, userId })
      await service.close()
      return running.length
    })
  return { root, terminal, users, listed, idOf, sessions }
}

test('a user is added, changed, disabled, let in again and removed; sessions end with it', async (t) => {
  const { users, listed, idOf, sessions } = await createBench(t)
  const added = await users('add alice --group staff --group payroll --attribute mail=alice@example.com', PASSWORD)
  assert.equal(added.code, 0, added.err)
  assert.match(added.err, /"event":"UserAdministered".*"action":"add"/)
  const id = await idOf('ALICE')
  assert.deepEqual([added.out.trim(), await sessions(id, 2)], [id, 2])
  await users('set alice --group staff --attribute mail= --attribute displayName=Alice --must-change')
  const [alice] = await listed()
  assert.deepEqual(
    [alice?.['groups'], alice?.['attributes'], alice?.['mustChangePassword'], alice?.['disabled']],
    [['staff'], { displayName: ['Alice'] }, true, false],
  )
  assert.equal(await sessions(id), 2)
  await users('disable alice')
  assert.deepEqual([(await listed())[0]?.['disabled'], await sessions(id)], [true, 0])
  await users('enable alice')
  assert.deepEqual([(await listed())[0]?.['disabled'], await sessions(id, 1)], [false, 1])
  const changed = await users('set alice --password', 'quite another password')
  assert.match(changed.err, /"event":"PasswordChanged".*"by":"administrator"/)
  assert.equal(await sessions(id), 0)
  await users('remove alice')
  assert.deepEqual([await listed(), await idOf('alice')], [[], ''])
})

test('what cannot be is said, and nothing is done: a taken name, a bad password, nobody, another directory', async (t) => {
  const { root, users, listed } = await createBench(t)
  await users('add alice', PASSWORD)
  const refused = async (command: string, typed = ''): Promise<string> => {
    const { code, err, out } = await users(command, typed)
    assert.deepEqual([code, out], [1, ''], command)
    return err
  }
  assert.match(await refused('add Alice', PASSWORD), /taken/)
  assert.match(await refused('add bob', 'short'), /too-short/)
  assert.match(await refused('add bob', ''), /standard input is empty/)
  assert.match(await refused('disable bob'), /nobody .* "bob"/)
  const argument = await users(`add bob ${PASSWORD.replaceAll(' ', '-')}`, PASSWORD)
  assert.deepEqual([argument.code, (await listed()).length], [2, 1])
  assert.ok(!readFileSync(join(root, 'realms/realm.yaml'), 'utf8').includes('alice'))
  writeFileSync(join(root, 'realms/realm.yaml'), '{}\n')
  assert.match(await refused('add bob', PASSWORD), /type file/)
})

test('who has to wait is shown, and let go', async (t) => {
  const { root, terminal, users } = await createBench(t)
  // The first delay is of a second, and would be over before the command that shows it has begun.
  const later = () => (systemClock() + 3_600_000) as EpochMs
  const fail = () =>
    withStore(root, terminal, async ({ snapshot, store }) => {
      const rules = snapshot.realms.get(ROOT)?.authentication.throttle
      assert.ok(rules)
      const throttle = createThrottle({ realm: ROOT, rules, store, clock: later })
      const reservation = await throttle.reserve({ username: 'alice', clientIp: '192.0.2.1' })
      if (reservation.kind === 'granted') await reservation.settle('failed')
      return reservation.kind
    })
  for (let n = 0; n < 6; n++) await fail()
  assert.match((await users('lockouts Alice')).out, /^192\.0\.2\.1 {2}password {2}6 failures {2}until 20/)
  const { code, err } = await users('unlock alice')
  assert.equal(code, 0)
  assert.match(err, /"action":"unlock"/)
  assert.match((await users('lockouts alice')).out, /^nobody has to wait; 0 /)
  assert.equal(await fail(), 'granted')
})
