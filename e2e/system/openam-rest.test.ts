import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '../client.ts'
import { startRig, type Rig } from '../rig.ts'
import { until } from '../until.ts'

const run = promisify(execFile)
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const LOGIN_HOST = 'login.acme.localhost'

let first: Rig
let second: Rig

before(async () => {
  first = await startRig()
  second = await startRig({ dataDir: first.dataDir })
})

after(async () => {
  try {
    await second.stop()
  } finally {
    await first.stop()
  }
})

interface SignedIn {
  readonly client: Client
  readonly token: string
}

/** Signed in at the first process. */
async function signIn(username: string, url = `${first.sites.app}/`): Promise<SignedIn> {
  const client = new Client()
  assert.equal((await client.signIn(await client.open(url), username)).status, 200)
  const token = client.cookie(LOGIN_HOST, 'SSOTokenID')
  assert.ok(token !== undefined)
  return { client, token }
}

function administrator(): Promise<SignedIn> {
  return signIn('admin', `${first.sites.login}/login/`)
}

interface Program {
  readonly token?: string
  readonly body?: object
  readonly method?: string
  readonly version?: string
}

/** A program: no browser, no cookie. */
function call(
  rig: Rig,
  path: string,
  { token, body, method = 'POST', version = '5.1' }: Program,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const headers = {
    host: `${LOGIN_HOST}:${rig.port}`,
    'accept-api-version': `resource=${version}, protocol=1.0`,
    ...(token === undefined ? {} : { SSOTokenID: token }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: rig.port, path, method, headers, agent: false }, (incoming) => {
      json(incoming).then(
        (read) => resolve({ status: incoming.statusCode ?? 0, body: read as Record<string, unknown> }),
        reject,
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

const EMPLOYEES = '/json/realms/root/realms/employees/sessions'
const asScript = { headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } }

/** Until the second process refuses what the first ended; how soon that is, is for the bench to show. */
async function untilRefused({ client, token }: SignedIn, site: 'app' | 'club' = 'app'): Promise<void> {
  const app = `${second.sites[site]}/.gatehouse/whoami`
  await until('the application refuses', async () => (await client.call(app, asScript)).status === 401)
  await until(
    'the REST says so',
    async () => (await call(second, `${EMPLOYEES}?_action=validate`, { token })).body['valid'] === false,
  )
}

test('sessions that an administrator ends by handle or by user in one process are refused in the other', async () => {
  const admin = await administrator()
  for (const ending of ['logoutByHandle', 'logoutByUser']) {
    const alice = await signIn('alice')
    assert.equal((await alice.client.call(`${second.sites.app}/api/me`, asScript)).status, 200)
    const filter = encodeURIComponent('username eq "alice" and realm eq "/employees"')
    const list = await call(second, `${EMPLOYEES}?_queryFilter=${filter}`, { token: admin.token, method: 'GET' })
    const sessionHandles = (list.body['result'] as { sessionHandle: string }[]).map((each) => each.sessionHandle)
    assert.equal(sessionHandles.length, 1)
    const body = ending === 'logoutByUser' ? { username: 'alice' } : { sessionHandles }
    const ended = await call(first, `${EMPLOYEES}?_action=${ending}`, { token: admin.token, body })
    assert.equal(ended.status, 200)
    await untilRefused(alice)
  }
})

test('sessions of customers, which live in the browser, are listed and ended like any others', async () => {
  const admin = await administrator()
  const path = '/json/realms/root/realms/customers/sessions'
  const dave = await signIn('dave', `${first.sites.club}/`)
  const info = await call(second, `${path}?_action=getSessionInfo`, { token: dave.token })
  assert.deepEqual([info.body['username'], info.body['realm']], ['dave', '/customers'])
  const filter = encodeURIComponent('realm eq "/customers"')
  const list = await call(second, `${path}?_queryFilter=${filter}`, { token: admin.token, method: 'GET' })
  const sessionHandles = (list.body['result'] as { sessionHandle: string }[]).map((each) => each.sessionHandle)
  assert.equal(sessionHandles.length, 1)
  assert.equal((await dave.client.call(`${second.sites.club}/.gatehouse/whoami`, asScript)).status, 200)
  await call(first, `${path}?_action=logoutByHandle`, { token: admin.token, body: { sessionHandles } })
  await untilRefused(dave, 'club')
})

test('sessions that the command line ends are refused by every running process', async () => {
  const alice = await signIn('alice')
  const env = { ...process.env, GATEHOUSE_DATA: first.dataDir, PORT: String(first.port), HOST: '127.0.0.1' }
  const apps = Object.fromEntries(
    ['APP', 'PAY', 'CLUB', 'SHOP', 'FILES'].map((name) => [`SAMPLE_${name}_URL`, 'http://127.0.0.1:1']),
  )
  const gatehouse = (...args: string[]) =>
    run(process.execPath, ['src/main.ts', 'sessions', ...args], { cwd: REPOSITORY, env: { ...env, ...apps } })
  const { stdout } = await gatehouse('list', '--user', 'alice', '--json')
  const [session] = (JSON.parse(stdout) as { sessions: { sid: string; address: string }[] }).sessions
  assert.equal(session?.address, '127.0.0.1')
  const revoked = await gatehouse('revoke', session.sid)
  assert.equal(revoked.stdout, '1 ended\n')
  await untilRefused(alice)
})

test('the REST is only on the login host, and a token in an address is masked in the log', async () => {
  const { token, client } = await signIn('alice')
  const elsewhere = await client.call(`${first.sites.app}/json/sessions?_action=validate`, {
    method: 'POST',
    ...asScript,
  })
  assert.doesNotMatch(elsewhere.body, /"valid"/)
  for (const shown of [token, token.replaceAll('*', '%2A'), token.replaceAll('*', '%2a')]) {
    const answer = await call(first, `/json/sessions/${shown}?_action=validate`, { version: '1.1' })
    assert.equal(answer.body['valid'], true, shown)
  }
  await call(first, `/json/sessions/${token}?_action=logout`, { version: '1.1' })
  await until('it is logged', () => first.log().split('/json/sessions/[masked]').length === 5)
  assert.equal(first.log().includes(token.split('*')[0] ?? ''), false)
})

/** Each block of shell in the page, with the answer that stands below it. */
function examples(): readonly { readonly command: string; readonly answer: unknown }[] {
  const page = readFileSync(new URL('../../docs/rest.md', import.meta.url), 'utf8')
  return [...page.matchAll(/^```sh\n((?:(?!```)[^\n]*\n)+)```\n\n^```json\n(.*?)^```/gms)].map(
    ([, command = '', answer = '']) => ({
      command,
      answer: JSON.parse(answer) as unknown,
    }),
  )
}

test('the examples of docs/rest.md do what the page says', async () => {
  const [alice, admin] = [await signIn('alice'), await administrator()]
  const env = { ...process.env, LOGIN: first.sites.login, TOKEN: alice.token, ADMIN: admin.token }
  const found = examples()
  assert.ok(found.length >= 7)
  for (const { command, answer } of found) {
    const { stdout } = await run('sh', ['-c', command], { env })
    assert.partialDeepStrictEqual(JSON.parse(stdout), answer, command)
  }
})
