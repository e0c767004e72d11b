import assert from 'node:assert/strict'
import dns from 'node:dns'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { passwordOf, startGateway, type Gateway } from './gateway.ts'

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

/** What of the released library is about signing in. */
interface Frodo {
  createInstance(config: object): Frodo
  readonly login: { getTokens(asUser: boolean, refresh: boolean, types: readonly string[]): Promise<Tokens> }
  readonly session: { getSessionInfo(tokenId: string): Promise<SessionInfo> }
  readonly info: { getInfo(): Promise<{ readonly amVersion: string; readonly authenticatedSubject: string }> }
  readonly state: { getCookieName(): string; getAmVersion(): string; getDeploymentType(): string }
}

const APPS = fileURLToPath(new URL('../../.runtime/foreign-apps', import.meta.url))
// Its build as an ES module does not load: it requires what only CommonJS has.
const LIBRARY = join(APPS, 'node_modules', '@rockcarver', 'frodo-lib', 'dist', 'index.js')

let gateway: Gateway

before(async () => {
  gateway = await startGateway({
    agents: { wiki: { ssoOnly: true, upstream: { servers: ['http://127.0.0.1:1'] } } },
    login: { tokenInBody: true },
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
