import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentId, RealmName } from '../src/base/brand.ts'

export const REALM = '/employees' as RealmName
export const AGENT = 'app' as AgentId
export const HOST = 'app.bench.localhost'
export const LOGIN_HOST = 'login.bench.localhost'
export const USERS = 1_000

/** Name and groups of the users of a run, which are those of a middling company. */
export function username(nth: number): string {
  return `user${String(nth).padStart(4, '0')}`
}

export interface ConfigurationOptions {
  readonly upstreamPort: number
  /** Every path open to everyone, or a session and a policy for each. */
  readonly enforced: boolean
  /** Everybody's, as a hash; nobody can sign in without it. */
  readonly password?: string
}

/** Writes a configuration root into a new temporary directory, as an operator would have it: logs on, the identity headers and the assertion of the defaults, ten policies. */
export function writeConfiguration({ upstreamPort, enforced, password = NO_PASSWORD }: ConfigurationOptions): string {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  // JSON is YAML.
  const write = (path: string, value: unknown): void => writeFileSync(join(root, path), JSON.stringify(value, null, 2))
  mkdirSync(join(root, 'agent-config'))
  mkdirSync(join(root, `realms${REALM}`), { recursive: true })
  writeFileSync(join(root, 'master.key'), randomBytes(32).toString('base64url'), { mode: 0o600 })
  write('agent-config/gatehouse.yaml', {
    listeners: [{ address: '127.0.0.1', port: 0 }],
    login: { url: `http://${LOGIN_HOST}` },
    store: { path: 'data/cts.db' },
    secrets: { masterKey: '${file:master.key}' },
  })
  write(`agent-config/${AGENT}.yaml`, {
    url: `http://${HOST}`,
    realm: REALM,
    upstream: { servers: [`http://127.0.0.1:${upstreamPort}`] },
    notEnforced: enforced ? [{ path: '/public/*' }] : [{ path: '/*' }],
  })
  write('realms/realm.yaml', {})
  write(`realms${REALM}/realm.yaml`, {})
  write(`realms${REALM}/users.yaml`, { users: Array.from({ length: USERS }, (_, nth) => user(nth, password)) })
  write(`realms${REALM}/policies.yaml`, { policies: policies() })
  return root
}

/** The hash is none of any password. */
const NO_PASSWORD = '$argon2id$v=19$m=19456,t=2,p=1$Ct5/NApYlorwWm0FdFZs7A$WTgrr3wuZU8iNkdxN4oFpSGNfo8r6uRsH23zuDWI4Xk'

function user(nth: number, password: string): object {
  const name = username(nth)
  return {
    username: name,
    password,
    groups: ['employees', 'orders', `team-${nth % 40}`],
    attributes: { displayName: `User ${nth}`, mail: `${name}@bench.example` },
  }
}

/** One that allows, one that is about the level, and others beside them that have to be passed over. */
function policies(): readonly object[] {
  const allowed = { GET: 'allow', POST: 'allow' }
  const others = Array.from({ length: 8 }, (_, nth) => ({
    name: `area-${nth}`,
    resources: [`http://${HOST}:*/area-${nth}/*`, `http://${HOST}:*/area-${nth}/*?*`],
    actions: allowed,
    subject: { type: 'Group', groups: [`team-${nth}`] },
  }))
  const orders = {
    name: 'orders',
    resources: [`http://${HOST}:*/orders/*`, `http://${HOST}:*/orders/*?*`],
    actions: allowed,
    subject: { type: 'Group', groups: ['orders'] },
    condition: { type: 'AuthLevel', authLevel: 1 },
  }
  const site = {
    name: 'site',
    resources: [`http://${HOST}:*/*`, `http://${HOST}:*/*?*`],
    actions: allowed,
    subject: { type: 'AuthenticatedUsers' },
  }
  return [...others, orders, site]
}
