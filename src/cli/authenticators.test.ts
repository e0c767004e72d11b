import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { systemClock } from '../base/clock.ts'
import { ALICE, established } from '../session/processes.fixture.ts'
import { createSessionService } from '../session/service.ts'
import { withRealm } from './managed-realm.ts'
import { runProgram } from './program.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

const ROOT = '/' as RealmName

/** A configuration with alice in its root realm, who has set up an app, a second one and recovery codes. */
async function createBench(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-authenticators-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const said = { out: '', err: '', code: 0 }
  const terminal: Terminal = {
    stdin: Readable.from(['']),
    env: {},
    out: (words) => void (said.out += words),
    err: (words) => void (said.err += words),
    setExitCode: (code) => void (said.code = code),
    exit: (code) => {
      said.code = code
      throw new Error(`exit ${code}`)
    },
  }
  const gatehouse = async (...words: string[]) => {
    Object.assign(said, { out: '', err: '', code: 0 })
    const serve = () => Promise.resolve()
    await runProgram([...words, '--config', root], { terminal, serve }).catch(() => undefined)
    return { ...said }
  }
  await gatehouse('init')
  const users = [
    { username: 'alice', id: 'u-1', password: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA' },
  ]
  writeFileSync(join(root, 'realms/users.yaml'), JSON.stringify({ users }))
  await withRealm({ config: root, realm: '/' }, terminal, async ({ factors }) => {
    for (const [type, name] of [
      ['totp', 'Phone\n\u202e'],
      ['totp', 'Tablet'],
      ['recovery', ''],
    ] as const)
      await factors.add('u-1', { type, name, data: { secret: 'NOBODYSEES' } })
  })
  const authenticators = (words: string) => gatehouse('authenticators', ...words.split(' '), '--realm', '/')
  return { root, terminal, authenticators }
}

async function startSession(root: string, terminal: Terminal, more: number): Promise<number> {
  let count = 0
  await withStore(root, terminal, async ({ store, log }) => {
    const audit = { record: () => undefined }
    const service = createSessionService({
      store,
      clock: systemClock,
      audit,
      log,
      place: { siteId: '01', serverId: '01' },
    })
    const draft = { ...ALICE, realm: ROOT, userId: 'u-1', username: 'alice' }
    for (let n = 0; n < more; n++)
      await established(service.establish(draft, { requestId: undefined, clientIp: undefined }))
    count = (await service.ofUser({ realm: ROOT, userId: 'u-1' })).length
    await service.close()
  })
  return count
}

test('what somebody has set up is listed, without what it proves with and on one line each', async (t) => {
  const { authenticators } = await createBench(t)
  const text = await authenticators('list ALICE')
  assert.equal(text.code, 0, text.err)
  assert.equal(text.out.split('\n').length, 5, 'three and a heading')
  assert.match(text.out, /^\S+ +alice +totp +Phone\\n\\u202e +20\S+Z +never$/m)
  assert.doesNotMatch(text.out, /NOBODYSEES|\u202e/)
  const { out } = await authenticators('list alice --json --type totp')
  const { authenticators: found } = JSON.parse(out) as { authenticators: Record<string, unknown>[] }
  assert.deepEqual(
    found.map(({ type, name }) => [type, name]),
    [
      ['totp', 'Phone\n\u202e'],
      ['totp', 'Tablet'],
    ],
  )
  assert.doesNotMatch(out, /NOBODYSEES/)
})

/** In the order of enrolment. */
async function listed({ authenticators }: Awaited<ReturnType<typeof createBench>>, words = 'list alice') {
  const { out } = await authenticators(`${words} --json`)
  return (JSON.parse(out) as { authenticators: Record<'id' | 'username' | 'userId' | 'type', string>[] }).authenticators
}

test('without a name it is the whole realm that is listed, with whose each is, and no other realm', async (t) => {
  const bench = await createBench(t)
  const { root, terminal, authenticators } = bench
  mkdirSync(join(root, 'realms/other'))
  writeFileSync(join(root, 'realms/other/realm.yaml'), readFileSync(join(root, 'realms/realm.yaml')))
  for (const [realm, user] of [
    ['/', 'who-left'],
    ['/other', 'u-1'],
  ] as const)
    await withRealm({ config: root, realm }, terminal, async ({ factors }) => {
      const factor = await factors.add(user, { type: 'totp', name: realm, data: { secret: 'NOBODYSEES' } })
      await factors.change(user, factor?.id ?? '', (now) => ({ ...now, lastUsedAt: 86_400_000 as EpochMs }))
    })
  assert.deepEqual(
    (await listed(bench, 'list')).map(({ type, userId, username }) => [type, userId, username]),
    [
      ['totp', 'u-1', 'alice'],
      ['totp', 'u-1', 'alice'],
      ['recovery', 'u-1', 'alice'],
      ['totp', 'who-left', undefined],
    ],
  )
  const { out } = await authenticators('list --type totp')
  assert.match(out, /^\S+ +who-left +totp +\/ +20\S+Z +1970-01-02T00:00:00.000Z$/m)
  assert.doesNotMatch(out, /NOBODYSEES|recovery/)
})

test('one is shown by its id, and some are removed by theirs; none when one of them is not there', async (t) => {
  const bench = await createBench(t)
  const { authenticators } = bench
  const [phone, tablet] = (await listed(bench)).map(({ id }) => id)
  assert.match((await authenticators(`show alice ${tablet}`)).out, /^\S+ +alice +totp +Tablet +/m)
  assert.deepEqual(
    (await listed(bench, `show alice ${phone}`)).map(({ id }) => id),
    [phone],
  )
  const nothing = await authenticators(`remove alice ${phone} x`)
  assert.deepEqual(
    [nothing.code, nothing.out, nothing.err],
    [1, '', 'gatehouse: "alice" has no authenticator "x"; nothing was changed\n'],
  )
  assert.equal((await authenticators('show alice x')).code, 1)
  assert.equal((await authenticators('remove alice')).code, 2)
  const removed = await authenticators(`remove alice ${phone} --end-sessions`)
  assert.equal(removed.out, '1 removed, 2 left\n')
  assert.match(
    removed.err,
    /"event":"FactorsReset".*"before":\["totp","totp","recovery"\],"after":\["totp","recovery"\]/,
  )
  assert.deepEqual((await listed(bench)).map(({ id }) => id).slice(0, 1), [tablet])
})

test('a reset removes those of a type, or all, says who did what, and ends sessions where it is told to', async (t) => {
  const { root, terminal, authenticators } = await createBench(t)
  assert.equal(await startSession(root, terminal, 2), 2)
  const some = await authenticators('reset alice --type totp --json')
  const { removed, left } = JSON.parse(some.out) as Record<string, { type: string }[]>
  assert.deepEqual(
    [removed, left].map((list) => list?.map(({ type }) => type)),
    [['totp', 'totp'], ['recovery']],
  )
  assert.match(
    some.err,
    /"event":"FactorsReset".*"username":"alice","by":"command line: [^"]+","before":\["totp","totp","recovery"\],"after":\["recovery"\]/,
  )
  assert.equal(await startSession(root, terminal, 0), 2, 'sessions go on')
  const all = await authenticators('reset u-1 --id --end-sessions')
  assert.equal(all.out, '1 removed, 0 left\n')
  assert.equal(await startSession(root, terminal, 0), 0)
})

test('nobody, and a realm that is not there, are said', async (t) => {
  const { authenticators } = await createBench(t)
  const nobody = await authenticators('reset mallory')
  assert.deepEqual([nobody.code, nobody.err], [1, 'gatehouse: nobody in / is called "mallory"\n'])
})
