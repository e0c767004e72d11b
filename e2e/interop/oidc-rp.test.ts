import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../../src/free-port.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, startOwnRig, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'
import { FOREIGN_SECRET, startForeignProvider, type ForeignProvider } from './open-id-provider.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const MASTER_KEY = randomBytes(32).toString('base64url')
const WORKERS = 4
/** Seconds: refreshed ten seconds before it is over. */
const TOKEN_LIFE_S = 13
const NOT_REFRESHED = 'the tokens of a session could not be refreshed'

let foreign: ForeignProvider
let app: EchoApp
let rig: OwnRig
let login: string

before(async () => {
  const port = await freePort()
  login = `http://login.acme.test:${port}`
  app = await startEchoApp()
  foreign = await startForeignProvider({
    redirectUris: [`${login}/oidc/staff/corp/callback`],
    postLogoutUris: [`${login}/logged-out`],
    backchannelLogoutUri: `${login}/oidc/staff/corp/backchannel-logout`,
    accessTokenLife: TOKEN_LIFE_S,
    claims: (sub) => ({
      email: `${sub}@corp.example`,
      email_verified: true,
      department: 'ships',
      groups: ['Crew', 'Else'],
    }),
  })
  const staff = {
    directory: { type: 'managed' },
    identityProviders: {
      corp: {
        ...{
          title: 'Corp',
          issuer: foreign.issuer,
          clientId: 'gatehouse',
          clientSecret: FOREIGN_SECRET,
          userinfo: true,
        },
        ...{ scopes: ['openid', 'email', 'profile', 'offline_access'], timeout: '3s', keepTokens: true, atOnce: true },
        create: { attributes: { department: 'department' }, groups: { claim: 'groups', map: { Crew: 'crew' } } },
      },
    },
    authentication: {
      modules: {
        corp: { type: 'oidc', provider: 'corp' },
        mfa: { type: 'oidc', provider: 'corp', authLevel: 2, acr: ['urn:mfa'] },
      },
      chains: {
        default: [{ module: 'corp', criteria: 'REQUISITE' }],
        strong: [{ module: 'mfa', criteria: 'REQUISITE' }],
      },
    },
  }
  const headers = 'identity: { headers: { X-User: username, X-Groups: groups, X-Department: attribute:department } }\n'
  rig = await startOwnRig({
    port,
    env: { MASTER_KEY },
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml({ more: `workers: ${WORKERS}\n` }),
      'agent-config/app.yaml': agentYaml('app', app.url, `ssoOnly: true\n${headers}`),
      'agent-config/vault.yaml': agentYaml('vault', app.url, ''),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(staff),
      'realms/staff/policies.yaml': JSON.stringify({
        policies: [
          {
            name: 'vault',
            resources: [`http://vault.acme.test:${port}/*`],
            actions: { GET: 'allow' },
            subject: { type: 'AuthenticatedUsers' },
            condition: { type: 'AuthLevel', authLevel: 2 },
          },
        ],
      }),
    },
  })
})

after(async () => {
  assert.equal(await rig.stop(), 0)
  await Promise.all([foreign.close(), app.close()])
})

const site = (name: string): string => `http://${name}.acme.test:${rig.port}/`

/** Where the page goes on by itself, and where a form of it would go. */
const onward = (page: Answer): string => String(page.headers['refresh'] ?? '').replace('0; url=', '')

/** Follows a page that leads to the provider, and signs in there as somebody where it asks. */
async function through(client: Client, leaving: Answer, as: string): Promise<Answer> {
  const there = await client.open(onward(await pressed(client, leaving)))
  return there.url.includes('/interaction/') ? client.open(`${there.url}?as=${as}`) : there
}

/** A page with the one button that leads there; who has no session yet goes there at once. */
function pressed(client: Client, page: Answer): Promise<Answer> | Answer {
  if (onward(page) !== '') return page
  const { pathname, search } = new URL(page.url)
  return client.call(`${login}${pathname}${search}`, { form: fieldsOf(page) })
}

async function signedIn(name: string): Promise<Client> {
  const client = new Client()
  const answer = await through(client, await client.open(site('app')), name)
  assert.equal(answer.status, 200, answer.body)
  return client
}

const isIn = async (client: Client): Promise<boolean> => (await client.open(site('app'))).url === site('app')

test('login, attributes and groups, step-up by acr, a login that is refused there', async () => {
  const client = await signedIn('alice')
  const headers = app.seen.at(-1)?.headers ?? {}
  assert.deepEqual(
    [headers['x-user'], headers['x-groups'], headers['x-department']],
    ['alice@corp.example', 'crew', 'ships'],
  )
  const weak = await client.open(site('vault'))
  assert.notEqual(weak.url, site('vault'))
  const strong = await through(client, weak, 'alice')
  assert.equal(strong.url, site('vault'))
  assert.equal(strong.status, 200)

  const unlucky = new Client()
  const page = await through(unlucky, await unlucky.open(site('app')), 'deny')
  assert.match(page.body, /cancelled or refused there/)
  assert.equal(onward(page), '', 'nobody is sent back at once')
  assert.match(page.body, /Sign in with Corp/)
})

test('signing out here signs out there', async () => {
  const client = await signedIn('bob')
  const page = await client.open(`${login}/logout`)
  const out = await client.open(`${login}/logout`, { form: fieldsOf(page) })
  assert.ok(onward(out).startsWith(`${foreign.issuer}/session/end?`), onward(out))
  const there = await client.open(onward(out))
  const back = await client.open(/action="([^"]+)"/.exec(there.body)?.[1] ?? '', {
    form: { ...fieldsOf(there), logout: 'yes' },
  })
  assert.equal(back.url, `${login}/leaving`)
  assert.match(back.body, /Corp[^]*Signed out/, back.body)
  const again = await client.open(site('app'))
  const asked = await client.open(onward(again))
  assert.match(asked.body, /^sign in as/, 'it has no session of theirs either')
})

test('signing out there signs out here, other people stay', async () => {
  const [client, other] = await Promise.all([signedIn('carol'), signedIn('dave')])
  const there = await client.open(`${foreign.issuer}/session/end`)
  await client.open(/action="([^"]+)"/.exec(there.body)?.[1] ?? '', { form: { ...fieldsOf(there), logout: 'yes' } })
  await until('the logout token has arrived', async () => !(await isIn(client)))
  assert.equal(await isIn(other), true)
})

test('an administrator ends a session: one of four processes has its tokens taken back there, once', async () => {
  const grants: string[] = []
  foreign.provider.on('grant.revoked', (_ctx, grantId) => void grants.push(grantId))
  const before = foreign.calls['revocation'] ?? 0
  const [client, other] = [await signedIn('frank'), await signedIn('grace')]
  const whose = ['--realm', '/staff', '--user', 'frank@corp.example']
  await promisify(execFile)(process.execPath, [MAIN, 'sessions', 'revoke', ...whose, '--config', rig.root], {
    env: { ...process.env, MASTER_KEY, PORT: String(rig.port) },
  })
  await until('the grant is taken back', () => grants.length > 0)
  assert.deepEqual([await isIn(client), await isIn(other)], [false, true])
  assert.deepEqual([foreign.calls['revocation'], grants.length], [before + 1, 1])
})

test('two hundred requests on four processes refresh once; a holder that is killed signs nobody out', async () => {
  const client = await signedIn('erin')
  const refreshes = (): number => foreign.calls['refresh_token of erin'] ?? 0
  const burst = async (): Promise<void> => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => client.call(site('app'))))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  }
  const underWay = async (): Promise<() => void> => {
    const [asked, held] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    foreign.hold = (grant) => {
      if (grant !== 'refresh_token') return Promise.resolve()
      asked.resolve(undefined)
      return held.promise
    }
    let isAsked = false
    void asked.promise.then(() => (isAsked = true))
    await until('a refresh', async () => {
      await burst()
      return isAsked
    })
    return () => {
      foreign.hold = () => Promise.resolve()
      held.resolve(undefined)
    }
  }
  const answered = await underWay()
  // Two hundred more while one is under way ask nobody again.
  const asked = refreshes()
  await burst()
  assert.equal(refreshes(), asked)
  answered()
  await until('the next refresh', async () => {
    await burst()
    return refreshes() > asked
  })
  // A refresh token that is used twice is refused there: no two processes had the same.
  assert.deepEqual(
    rig.lines().filter(({ message }) => message === NOT_REFRESHED),
    [],
  )

  const released = await underWay()
  const pids = rig.lines().flatMap((line) => (line['message'] === 'listening' ? [Number(line['pid'])] : []))
  for (const pid of new Set(pids)) process.kill(pid, 'SIGKILL')
  released()
  const spent = refreshes()
  await until('workers are there again', answers)
  await until('the spent token is tried', async () => {
    assert.equal(await isIn(client), true)
    return refreshes() > spent
  })
  for (let i = 0; i < 5; i++) assert.equal(await isIn(client), true)
  assert.equal(
    rig.lines().filter((line) => line['event'] === 'SessionEnded' && line['username'] === 'erin@corp.example').length,
    0,
  )
})

/** Of a connection that the dead were given nothing comes back. */
async function answers(): Promise<boolean> {
  const call = new Client().call(site('app')).then(
    () => true,
    () => false,
  )
  return Promise.race([call, new Promise<boolean>((resolve) => setTimeout(resolve, 3_000, false))])
}

function fieldsOf({ body }: Answer): Readonly<Record<string, string>> {
  const inputs = [...body.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]) => tag)
  const part = (tag: string, name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return Object.fromEntries(inputs.map((tag) => [part(tag, 'name'), part(tag, 'value')]))
}
