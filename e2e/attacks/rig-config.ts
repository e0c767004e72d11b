import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where people reach the rig: https, as behind a terminator, so that cookies are `Secure` and carry `__Host-`. */
export const ORIGINS = {
  login: 'https://gw.example.com',
  app: 'https://app.example.com',
  /** Two more applications of the same realm: one on the same domain, one on another. */
  pay: 'https://pay.example.com',
  shop: 'https://shop.other.test',
  /** Of the realm of customers. */
  club: 'https://club.example.com',
} as const

export type SiteName = Exclude<keyof typeof ORIGINS, 'login'>

export const ALIAS = 'https://www.example.com'

/** Where a browser may be sent by anything the gateway says. */
export const ALLOWED_ORIGINS: ReadonlySet<string> = new Set([...Object.values(ORIGINS), ALIAS])

export const PASSWORDS = {
  alice: 'alice-canary-7f3a91-password',
  bob: 'bob-canary-51c0de-password',
  mallory: 'mallory-canary-0badf0-password',
  carla: 'carla-canary-d15ab1-password',
  dave: 'dave-canary-c0ffee-password',
  // Employees for attacks that use an account up; the last three have no authenticator app.
  erin: 'erin-canary-1e55a1-password',
  frank: 'frank-canary-2f66b2-password',
  grace: 'grace-canary-3a77c3-password',
  heidi: 'heidi-canary-4b88d4-password',
  ivan: 'ivan-canary-5c99e5-password',
  judy: 'judy-canary-6daaf6-password',
  kim: 'kim-canary-7ebba7-password',
  leo: 'leo-canary-8fccb8-password',
  mia: 'mia-canary-90ddc9-password',
  nina: 'nina-canary-a1eeda-password',
  /** Administers all realms. */
  root: 'root-canary-ad0be1-password',
} as const

export type User = keyof typeof PASSWORDS

export interface RigConfig {
  readonly port: number
  readonly upstream: string
  readonly hashes: Readonly<Record<User, string>>
  readonly trustedProxies: readonly string[]
  /** How long a body, a stream or a WebSocket may be silent. */
  readonly idleTimeout: string
  /** Where the store is; a file of its own where not given. */
  readonly store?: string
  /** Added to the profile of `app`. */
  readonly app: string
  /** Added to the realm of employees. */
  readonly employees: string
  /** Added to the realm of customers. */
  readonly customers: string
  /** `clients.yaml` of the realms of employees and of customers; none where not given. */
  readonly clients?: string
  /** Further realms by name, without an application: the same people, under other rules. */
  readonly realms: Readonly<Record<string, string>>
}

/** For the realm of employees: a second chain whose passing is worth level 2. */
export const STEP_UP = `authentication:
  modules: { password: { type: password }, strong: { type: password, authLevel: 2 } }
  chains:
    default: [{ module: password, criteria: REQUIRED }]
    strong: [{ module: strong, criteria: REQUIRED }]
`

/** Of those who have an authenticator app. */
export const TOTP_SECRETS = {
  alice: 'MFWGSY3FMNQW4YLSPFQWY2LDMVRWC3TB',
  bob: 'MJXWEY3BNZQXE6LCN5RGGYLOMFZHSYTP',
  erin: 'MVZGS3RNMF2XI2DFNZ2GSY3BORXXELLB',
  frank: 'MZZGC3TLFVQXK5DIMVXHI2LDMF2G64RN',
  grace: 'M5ZGCY3FFVQXK5DIMVXHI2LDMF2G64RN',
  heidi: 'NBSWSZDJFVQXK5DIMVXHI2LDMF2G64RN',
  ivan: 'NF3GC3RNMF2XI2DFNZ2GSY3BORXXELLB',
  judy: 'NJ2WI6JNMF2XI2DFNZ2GSY3BORXXELLB',
  kim: 'NNUW2LLBOV2GQZLOORUWGYLUN5ZC2YLQ',
} as const

const TO_USE_UP = ['erin', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'kim', 'leo', 'mia', 'nina'] as const

function secretOf(name: User): string {
  const secrets: Partial<Record<User, string>> = TOTP_SECRETS
  const secret = secrets[name]
  return secret === undefined ? '' : `    totp: ${secret}\n`
}

/** For the realm of employees: level 2 by a code from an authenticator app. */
export const TOTP_STEP = `authentication:
  modules: { password: { type: password }, totp: { type: totp } }
  chains:
    default: [{ module: password, criteria: REQUIRED }]
    strong: [{ module: password, criteria: REQUISITE }, { module: totp, criteria: REQUIRED }]
`

/** For the realm of employees: a login that asks twice. */
export const TWO_PROOFS = `authentication:
  modules: { password: { type: password }, again: { type: password, authLevel: 2 } }
  chains: { default: [{ module: password, criteria: REQUIRED }, { module: again, criteria: REQUIRED }] }
`

const ALL = '{ GET: allow, POST: allow, PUT: allow, PATCH: allow, DELETE: allow, OPTIONS: allow }'

function policy(name: string, paths: readonly string[], actions: string, more: string): string {
  const resources = paths.flatMap((path) => [
    `      - https://app.example.com:*${path}`,
    `      - https://app.example.com:*${path}?*`,
  ])
  return `  - name: ${name}\n    resources:\n${resources.join('\n')}\n    actions: ${actions}\n${more}\n`
}

const ANYBODY = '    subject: { type: AuthenticatedUsers }'
const ADMINS = '    subject: { type: Group, groups: [admins] }'

/** `/admin/**` for admins; a few paths for everybody who is signed in; `/ro/**` to read; all else denied. */
const POLICIES = `policies:
${policy('admin', ['/admin', '/admin/*'], ALL, ADMINS)}
${policy('read-only', ['/ro/*'], '{ GET: allow }', ANYBODY)}
${policy('deny-post', ['/guarded/*'], '{ POST: deny }', ANYBODY)}
${policy('own-pages', ['/account', '/account/*', '/account.css', '/static/*', '/me', '/ws', '/stream'], ALL, ANYBODY)}
${policy('two-segments', ['/team/-*-/notes'], ALL, ANYBODY)}
${policy('level-two', ['/level2/*'], ALL, `${ANYBODY}\n    condition: { type: AuthLevel, authLevel: 2 }`)}
${policy('recent', ['/recent/*'], ALL, `${ANYBODY}\n    condition: { type: AuthAge, maxAge: 5m }`)}
  - name: payments
    resources: [https://pay.example.com:*/*, https://pay.example.com:*/*?*]
    actions: ${ALL}
    subject: { type: Group, groups: [finance] }
`

const IDENTITY = `identity:
  headers:
    X-Remote-User: username
    X-User: userId
    X-Groups: groups
    X-Auth-Level: authLevel
    X-Forwarded-Email: attribute:mail
`

function site(origin: string, realm: string, { upstream, idleTimeout }: RigConfig, more: string): string {
  return `url: ${origin}\nrealm: ${realm}\nupstream:\n  servers: [${upstream}]\n  responseTimeout: 2s\n  idleTimeout: ${idleTimeout}\n${more}`
}

function user(name: string, hash: string, more: string): string {
  return `  - username: ${name}\n    password: "${hash}"\n${more}`
}

/** Writes a configuration root with a key and a store of its own. */
export function writeRigConfig(root: string, config: RigConfig): void {
  const { port, hashes, trustedProxies, store } = config
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o600 })
  }
  write('data/master.key', randomBytes(32).toString('base64url'))
  write(
    'agent-config/gatehouse.yaml',
    `listeners: [{ address: 127.0.0.1, port: ${port} }]
login: { url: "${ORIGINS.login}" }
store: ${store ?? `{ driver: embedded, path: ${join(root, 'data/cts.db')} }`}
trustedProxies: ${JSON.stringify(trustedProxies)}
secrets: { masterKey: "\${file:data/master.key}" }
keys: { publishAhead: 2s }
dialects: { realm: /employees }
telemetry: { level: info, accessLog: true }
`,
  )
  const open = 'notEnforced:\n  - path: /public/*\n  - { path: /internal/*, addresses: [127.0.0.1, 10.0.0.5] }\n'
  write(
    'agent-config/app.yaml',
    `aliases: ["${ALIAS}"]\n${open}${IDENTITY}${site(ORIGINS.app, '/employees', config, config.app)}`,
  )
  write('agent-config/pay.yaml', site(ORIGINS.pay, '/employees', config, IDENTITY))
  write('agent-config/shop.yaml', site(ORIGINS.shop, '/employees', config, 'ssoOnly: true\nsso: oidc\n'))
  write('agent-config/club.yaml', site(ORIGINS.club, '/customers', config, 'ssoOnly: true\n'))
  write('realms/realm.yaml', 'look: { title: Root }\nadministrators: [admins]\n')
  write('realms/users.yaml', `users:\n${user('root', hashes.root, '    groups: [admins]\n')}`)
  write('realms/employees/realm.yaml', `look: { title: Employees }\n${config.employees}`)
  write('realms/employees/policies.yaml', POLICIES)
  write(
    'realms/customers/realm.yaml',
    `look: { title: Customers }\nsession: { mode: stateless, maxIdle: 120m }\n${config.customers}`,
  )
  for (const realm of config.clients === undefined ? [] : ['employees', 'customers'])
    write(`realms/${realm}/clients.yaml`, config.clients ?? '')
  const employees = `users:\n${[
    user(
      'alice',
      hashes.alice,
      `${secretOf('alice')}    groups: [admins, finance]\n    attributes: { mail: alice@example.com }\n`,
    ),
    user('bob', hashes.bob, `${secretOf('bob')}    groups: []\n`),
    user('mallory', hashes.mallory, '    groups: [finance]\n'),
    user('carla', hashes.carla, '    disabled: true\n'),
    ...TO_USE_UP.map((name) => user(name, hashes[name], secretOf(name))),
  ].join('')}`
  write('realms/employees/users.yaml', employees)
  for (const [name, more] of Object.entries(config.realms)) {
    write(`realms/${name}/realm.yaml`, more)
    write(`realms/${name}/users.yaml`, employees)
  }
  write('realms/customers/users.yaml', `users:\n${user('dave', hashes.dave, '    groups: [customers]\n')}`)
}
