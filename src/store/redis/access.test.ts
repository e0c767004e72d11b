import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { inspect, promisify } from 'node:util'
import { silentLog } from './contract-data.fixture.ts'
import { clock, isUnavailable, login } from './logins.fixture.ts'
import { openRedisStore } from './open.ts'
import { freePorts, settingsFor, startServer } from './redis-server.fixture.ts'
import type { RedisSettings } from './settings.ts'

const run = promisify(execFile)
const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url)

/** The user as docs/operations.md says to write it. */
async function documentedUser(): Promise<string> {
  const line = /^user gatehouse .*$/m.exec(await readFile(OPERATIONS, 'utf8'))?.[0]
  assert.ok(line !== undefined, 'docs/operations.md names no ACL user')
  return line.replace('>PASSWORD', '>secret')
}

async function certificates(directory: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test authority',
    '-days',
    '2',
  )
  await writeFile(join(directory, 'names'), 'subjectAltName=DNS:redis.example')
  for (const name of ['server', 'client']) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    await openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...sign)
  }
}

const [plain = 0, port = 0] = await freePorts(2)
const server = await startServer({
  port: plain,
  prepare: async (directory) => {
    await certificates(directory)
    await writeFile(join(directory, 'users.acl'), `user default on nopass ~* &* +@all\n${await documentedUser()}\n`)
  },
  args: {
    'tls-port': String(port),
    'tls-cert-file': 'server.pem',
    'tls-key-file': 'server.key',
    'tls-ca-cert-file': 'ca.pem',
    aclfile: 'users.acl',
  },
})
after(() => server.dispose())
const pem = (name: string) => readFile(join(server.directory, name), 'utf8')
const tls = {
  ca: await pem('ca.pem'),
  cert: await pem('client.pem'),
  key: await pem('client.key'),
  serverName: 'redis.example',
}
const good = settingsFor(port, { tls, username: 'gatehouse', password: 'secret', database: 3 })

async function open(t: TestContext, settings: RedisSettings, patience = 10_000) {
  const store = await openRedisStore({ settings, clock, log: silentLog, patience })
  t.after(() => store.close())
  return store
}

test('TLS with a client certificate, and the ACL user of the handbook may do all that the store does', async (t) => {
  const store = await open(t, good)
  const heard: string[] = []
  store.revocations.subscribe((entries) => entries.forEach((entry) => 'sid' in entry && heard.push(entry.sid)))
  const session = await login(store)
  const { sid, bucket, realm, userId } = session
  assert.deepEqual(await store.sessions.ofUser({ bucket, realm, userId }), [session])
  assert.deepEqual(await store.sessions.list({ limit: 5 }), [session])
  await store.sessions.touch([{ sid, at: clock() }])
  await store.sessions.expired(5)
  await store.oneTime.put('code', 'k', 'v', 1_000)
  await store.counters.add('k', 1, 1_000)
  await store.leases.acquire('k', 'me', 1_000)
  await store.leases.release('k', 'me')
  await store.documents.putIfAbsent('c', 'k', 'v')
  await store.documents.list('c')
  await store.documents.remove('c', 'k')
  await store.epochs.raise('k')
  await store.epochs.all()
  const stateless = await store.sessions.create({ ...session, sid: '0017.stateless', kind: 'stateless' }, undefined)
  assert.equal(stateless.kind, 'created')
  await store.sessions.end('0017.stateless', 'logout')
  assert.equal((await store.denylist.load()).length, 1)
  const [entry] = await store.outbox.claim(5, 1_000)
  await store.outbox.done([entry?.id ?? ''])
  await store.sessions.end(sid, 'logout')
  while (!heard.includes(sid)) await new Promise(setImmediate)
  await store.ping()
})

test('what goes wrong is logged without the words of the command', async () => {
  const logged: unknown[] = []
  const write = (fields: unknown, message: string) => void logged.push(fields, message)
  const log = { error: write, warn: write, info: write, debug: write }
  const settings = { ...good, password: 'hush-hush' }
  let shown = ''
  // On a busy machine the short ones are over before the server has said anything.
  for (const patience of [100, 1_000, 10_000]) {
    const fault: unknown = await openRedisStore({ settings, clock, log, patience }).catch((error: unknown) => error)
    shown += inspect([logged, fault], { depth: 20 })
    if (shown.includes('WRONGPASS')) break
  }
  assert.match(shown, /WRONGPASS/)
  assert.doesNotMatch(shown, /hush/)
})

const WRONG: Readonly<Record<string, RedisSettings>> = {
  'a wrong password': { ...good, password: 'guess' },
  'no client certificate': { ...good, tls: { ca: tls.ca, serverName: tls.serverName } },
  'a certificate of an unknown authority': {
    ...good,
    tls: { cert: tls.cert, key: tls.key, serverName: tls.serverName },
  },
  'a certificate for another name': { ...good, tls: { ...tls, serverName: 'other.example' } },
  'keys that are not the user’s': { ...good, keyPrefix: 'other:' },
}
for (const [what, settings] of Object.entries(WRONG)) {
  test(`${what} opens no store`, async (t) => {
    await assert.rejects(open(t, settings, 100), isUnavailable)
  })
}
