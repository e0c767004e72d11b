import { startEchoApp } from './echo-app.ts'
import { hashOf, startOwnRig, usersYaml } from './own-rig.ts'

/** Sites on several root domains, one login. */
export interface CrossDomainRig {
  readonly login: string
  /** In the login host's own domain, by the handshake of ours. */
  readonly app: string
  /** On another domain, by OpenID Connect. Paths below `/vault/` ask for level 2. */
  readonly shop: string
  /** On a third one, by SAML. The same paths ask for the same. */
  readonly files: string
  close(): Promise<void>
}

const REALM = {
  look: { title: 'Acme Staff' },
  authentication: {
    modules: { password: { type: 'password', authLevel: 1 }, strong: { type: 'password', authLevel: 2 } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      strong: [{ module: 'strong', criteria: 'REQUIRED' }],
    },
  },
}

function policy(name: string, path: string, condition?: object): object {
  const resources = [`*://*:*/${path}*`, `*://*:*/${path}*?*`]
  const actions = { GET: 'allow', POST: 'allow' }
  return { name, resources, actions, subject: { type: 'AuthenticatedUsers' }, ...(condition && { condition }) }
}

const POLICIES = { policies: [policy('all', ''), policy('vault', 'vault/', { type: 'AuthLevel', authLevel: 2 })] }

export async function startCrossDomainRig(): Promise<CrossDomainRig> {
  const echo = await startEchoApp()
  const site = (host: string, more: object = {}): string =>
    JSON.stringify({
      url: `http://${host}:\${env:PORT}`,
      realm: '/staff',
      upstream: { servers: [echo.url] },
      identity: { headers: { 'X-Remote-User': 'username' } },
      ...more,
    })
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}' }]
login: { url: 'http://login.acme.localhost:\${env:PORT}' }
store: { path: .gatehouse/cts.db }
secrets: { masterKey: '\${env:MASTER_KEY}' }
`,
      'agent-config/app.yaml': site('app.acme.localhost', { ssoOnly: true }),
      'agent-config/shop.yaml': site('shop.partner.localhost', { sso: 'oidc' }),
      'agent-config/files.yaml': site('files.supplier.localhost', { sso: 'saml' }),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(REALM),
      'realms/staff/policies.yaml': JSON.stringify(POLICIES),
      'realms/staff/clients.yaml': JSON.stringify({ acr: [{ name: 'urn:example:strong', level: 2 }] }),
      'realms/staff/users.yaml': usersYaml([{ username: 'alice', hash: await hashOf('alice-demo-password') }]),
    },
  })
  const at = (host: string): string => `http://${host}:${rig.port}`
  return {
    login: at('login.acme.localhost'),
    app: at('app.acme.localhost'),
    shop: at('shop.partner.localhost'),
    files: at('files.supplier.localhost'),
    async close() {
      await rig.stop()
      await echo.close()
    },
  }
}
