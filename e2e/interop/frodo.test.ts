import assert from 'node:assert/strict'
import dns from 'node:dns'
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'
import { scratchDirectory } from './program.ts'

interface SessionInfo {
  readonly username: string
  readonly realm: string
  readonly universalId: string
  readonly maxIdleExpirationTime: string
}

interface Tokens {
  readonly userSessionToken?: { readonly tokenId: string; readonly realm: string; readonly expires: number }
  readonly subject?: string
  readonly realm?: string
}

interface Policy {
  readonly _id: string
  readonly name: string
  readonly active: boolean
}

/** What of the released library is about signing in, and about policies. */
interface Frodo {
  createInstance(config: object): Frodo
  readonly login: { getTokens(asUser: boolean, refresh: boolean, types: readonly string[]): Promise<Tokens> }
  readonly session: { getSessionInfo(tokenId: string): Promise<SessionInfo> }
  readonly authz: {
    readonly policy: {
      createPolicy(id: string, policy: object): Promise<Policy>
      updatePolicy(id: string, policy: object): Promise<Policy>
      readPolicies(): Promise<readonly Policy[]>
      deletePolicy(id: string): Promise<Policy>
      exportPolicies(options: object): Promise<object>
    }
  }
  readonly info: { getInfo(): Promise<{ readonly amVersion: string; readonly authenticatedSubject: string }> }
  readonly state: { getCookieName(): string; getAmVersion(): string; getDeploymentType(): string }
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const APPS = fileURLToPath(new URL('../../.runtime/foreign-apps', import.meta.url))
// Its build as an ES module does not load: it requires what only CommonJS has.
const LIBRARY = join(APPS, 'node_modules', '@rockcarver', 'frodo-lib', 'dist', 'index.js')

let gateway: Gateway

before(async () => {
  gateway = await startGateway({
    agents: { wiki: { ssoOnly: true, upstream: { servers: ['http://127.0.0.1:1'] } } },
    login: { tokenInBody: true },
    rootRealm: { administrators: ['operators'] },
  })
})

after(() => gateway.stop())

/** Names below `localhost` are this machine's (RFC 6761 §6.3), which not every resolver knows. */
function resolveLocalhost(t: TestContext): void {
  const { lookup } = dns
  t.mock.method(dns, 'lookup', ((name: string, ...rest: unknown[]) =>
    (lookup as (...asked: unknown[]) => void)(
      name.endsWith('.localhost') ? '127.0.0.1' : name,
      ...rest,
    )) as typeof lookup)
}

function connect(t: TestContext, username: string, password: string, deploymentType?: string): Frodo {
  if (!existsSync(LIBRARY)) throw new Error('frodo-lib is not installed: run `npm run interop`')
  resolveLocalhost(t)
  const { frodo } = createRequire(import.meta.url)(LIBRARY) as { readonly frodo: Frodo }
  const host = `${gateway.login}/am`
  return frodo.createInstance({ host, realm: '/staff', username, password, deploymentType })
}

test('frodo connects with name and password, and reads the session that it got', async (t) => {
  const frodo = connect(t, 'alice', passwordOf('alice'), 'classic')
  const tokens = await frodo.login.getTokens(true, false, ['classic'])
  assert.equal(tokens.subject, 'user alice')
  const { tokenId = '', realm, expires = 0 } = tokens.userSessionToken ?? {}
  assert.match(tokenId, /^[\w-]{43}\*[\w-]+\*/)
  assert.equal(realm, '/', 'where its administrators are')
  assert.ok(expires > Date.now(), 'it knows when to renew')
  assert.equal(frodo.state.getCookieName(), 'SSOTokenID')
  assert.match(frodo.state.getAmVersion(), /^\d+\.\d+\.\d+/)
  const session = await frodo.session.getSessionInfo(tokenId)
  assert.deepEqual(
    [session.username, session.realm, session.universalId],
    ['alice', '/', 'id=alice,ou=user,ou=am-config'],
  )
})

test('it finds out by itself that this is no cloud', async (t) => {
  const frodo = connect(t, 'bob', passwordOf('bob'))
  assert.equal((await frodo.login.getTokens(true, false, ['classic'])).subject, 'user bob')
  assert.equal(frodo.state.getDeploymentType(), 'classic')
})

test('a wrong password is refused, and is not written into its error', async (t) => {
  const frodo = connect(t, 'alice', 'wrong-password-of-alice')
  await assert.rejects(frodo.login.getTokens(true, false, ['classic']), (error: Error) => {
    assert.doesNotMatch(`${error.message} ${gateway.log()}`, /wrong-password-of-alice/)
    return true
  })
})

test('it writes policies, and what it exports can be imported', async (t) => {
  const frodo = connect(t, 'alice', passwordOf('alice'), 'classic')
  await frodo.login.getTokens(true, false, ['classic'])
  const { policy } = frodo.authz
  const reports = {
    ...{ name: 'reports', active: true, description: 'From\nfrodo', applicationName: 'iPlanetAMWebAgentService' },
    actionValues: { GET: true, HEAD: true, DELETE: false },
    resources: [`${gateway.site('wiki')}/reports/*`],
    subject: { type: 'Identity', subjectValues: ['id=auditors,ou=group,o=staff,ou=services,ou=am-config'] },
    condition: { type: 'AuthLevel', authLevel: 1 },
    resourceTypeUuid: '76656a38-5f8e-401b-83aa-4ccb74ce88d2',
    resourceAttributes: [],
  }
  assert.equal((await policy.createPolicy('reports', reports)).name, 'reports')
  const [read] = await policy.readPolicies()
  assert.equal(read?.active, true)
  assert.equal((await policy.updatePolicy('reports', { ...read, active: false })).active, false)
  const exported = scratchDirectory('frodo')
  t.after(() => exported.remove())
  const file = join(exported.path, 'staff.policy.json')
  writeFileSync(file, JSON.stringify(await policy.exportPolicies({ deps: true, prereqs: true, useStringArrays: true })))
  const imported = spawnSync(process.execPath, [MAIN, 'policy', 'import', file], { encoding: 'utf8' })
  assert.match(imported.stderr, /1 policies read, 1 written, 0 things lost\.\n$/)
  assert.match(imported.stdout, /- name: reports\n/)
  assert.equal(imported.status, 0)
  assert.equal((await policy.deletePolicy('reports'))._id, 'reports')
  assert.deepEqual(await policy.readPolicies(), [])
})
