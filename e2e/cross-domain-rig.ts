import { startEchoApp } from './echo-app.ts'
import { freePort } from '../src/free-port.fixture.ts'
import { hashOf, startOwnRig, usersYaml } from './own-rig.ts'

/** Sites on several root domains, one login. */
export interface CrossDomainRig {
  readonly login: string
  /** In the login host's own domain, by the handshake of ours. */
  readonly app: string
  /** On another domain, by OpenID Connect. Paths below `/vault/` ask for level 2. */
  readonly shop: string
  /** The same, behind a gateway of its own, which has only the provider's address and a secret. */
  readonly files: string
  /** On a third one, by SAML. The same paths ask for the same. */
  readonly supplier: string
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

const SECRET = 'a-secret-of-thirty-two-characters'

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
  const filesPort = await freePort()
  const files = `http://127.0.0.1:${filesPort}`
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}' }]
login: { url: 'http://localhost:\${env:PORT}' }
store: { path: .gatehouse/cts.db }
secrets: { masterKey: '\${env:MASTER_KEY}' }
`,
      'agent-config/files.yaml': `url: ${files}\nrealm: /staff\nsso: oidc\nclient: { secret: ${SECRET} }\n`,
      'agent-config/app.yaml': site('app.acme.localhost', { ssoOnly: true }),
      'agent-config/shop.yaml': site('shop.partner.localhost', { sso: 'oidc' }),
      'agent-config/supplier.yaml': site('drive.supplier.localhost', { sso: 'saml' }),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(REALM),
      'realms/staff/policies.yaml': JSON.stringify(POLICIES),
      'realms/staff/clients.yaml': JSON.stringify({ acr: [{ name: 'urn:example:strong', level: 2 }] }),
      'realms/staff/users.yaml': usersYaml([{ username: 'alice', hash: await hashOf('alice-demo-password') }]),
    },
  })
  const elsewhere = await startOwnRig({
    port: filesPort,
    files: {
      'agent-config/gatehouse.yaml': `listeners: [{ address: 127.0.0.1, port: '\${env:PORT}' }]
login: { url: 'http://localhost:${rig.port}' }
store: { path: .gatehouse/cts.db }
secrets: { masterKey: '\${env:MASTER_KEY}' }
`,
      'agent-config/files.yaml': site('127.0.0.1'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify({
        ssoProvider: {
          issuer: `http://localhost:${rig.port}/oauth2/realms/root/realms/staff`,
          clientSecret: SECRET,
          recheck: '10m',
        },
      }),
      'realms/staff/policies.yaml': JSON.stringify(POLICIES),
    },
  })
  const at = (host: string): string => `http://${host}:${rig.port}`
  return {
    login: at('localhost'),
    app: at('app.acme.localhost'),
    shop: at('shop.partner.localhost'),
    files,
    supplier: at('drive.supplier.localhost'),
    async close() {
      await elsewhere.stop()
      await rig.stop()
      await echo.close()
    },
  }
}
