import type { Factor } from '../../identity/factors.ts'
import type { Session } from '../../session/session.ts'
import type { Call, FullCaller, ZitiDeps } from './call.ts'
import { isAdministrator } from './permission.ts'
import { iso, ok, okAll, problem, type Problem, type Reply } from './reply.ts'

/** A person. */
export interface Identity {
  readonly userId: string
  readonly username: string
}

/** One of a realm, with what they prove who they are with. */
export interface KnownIdentity extends Identity {
  readonly factors: readonly Factor[]
}

/** The only one: what the realm's chains and policies say. */
const POLICY = 'default'

const LISTS = {
  authenticators: 'authenticators',
  'edge-router-policies': 'edge-routers',
  enrollments: 'enrollments',
  'failed-service-requests': 'failed-service-requests',
  'posture-data': 'posture-data',
} as const

/** Of what Ziti keeps for each identity and we have nothing. */
const EMPTY: ReadonlySet<string> = new Set([
  'edge-routers',
  'enrollments',
  'failed-service-requests',
  'service-policies',
])

function linksOf(userId: string): object {
  const self = `./identities/${encodeURIComponent(userId)}`
  const lists = Object.entries(LISTS).map(([name, below]) => [name, { href: `${self}/${below}` }] as const)
  return {
    'auth-policies': { href: `./auth-policies/${POLICY}` },
    ...(Object.fromEntries(lists) as Readonly<Record<string, object>>),
    self: { href: self },
    'service-policies': { href: `${self}/service-policies` },
  }
}

/** Ziti's `entityRef`. */
export function identityRef({ userId, username }: Identity): object {
  return { _links: linksOf(userId), entity: 'identities', id: userId, name: username }
}

/** `GET current-identity` */
export function currentIdentity(deps: ZitiDeps, call: Call, caller: FullCaller): Promise<Reply | Problem> {
  return identityDetail(deps, call, caller, caller.session.userId)
}

/** `GET identities/ID`: one's own; of others, who has sessions, for administrators. */
export async function identityDetail(
  deps: ZitiDeps,
  _call: Call,
  { session }: FullCaller,
  userId: string,
): Promise<Reply | Problem> {
  const identity = await identityFor(deps, session, userId)
  return identity === undefined ? problem('NOT_FOUND') : describe(deps, session, identity)
}

/** `GET identities/ID/…`: what the links of an identity lead to, its authenticators aside. */
export async function identityList(
  deps: ZitiDeps,
  _call: Call,
  { session }: FullCaller,
  userId: string,
  list: string,
): Promise<Reply | Problem> {
  const identity = await identityFor(deps, session, userId)
  if (identity === undefined) return problem('NOT_FOUND')
  if (list === 'posture-data') return ok({})
  return EMPTY.has(list) ? okAll([]) : problem('NOT_FOUND')
}

/** `GET auth-policies/default` */
export function authPolicy(_deps: ZitiDeps, _call: Call, _caller: FullCaller, id: string): Reply | Problem {
  if (id !== POLICY) return problem('NOT_FOUND')
  const never = iso(0)
  return ok({
    _links: { self: { href: `./auth-policies/${POLICY}` } },
    ...{ id: POLICY, name: 'Default', createdAt: never, updatedAt: never, tags: {} },
  })
}

/** Whom the caller may look at: themselves, or anybody of the realm for its administrators. */
export async function identityFor(
  deps: ZitiDeps,
  session: Session,
  userId: string,
): Promise<KnownIdentity | undefined> {
  const isOwn = session.userId === userId
  const found = isOwn ? session : (await isAdministrator(deps, session)) ? await deps.userOf(userId) : undefined
  const { realmAuthn } = isOwn ? deps : deps.administered
  return found && { userId, username: found.username, factors: await realmAuthn.factors.list(userId) }
}

async function describe(
  deps: ZitiDeps,
  session: Session,
  { userId, username, factors }: KnownIdentity,
): Promise<Reply> {
  const isAdmin = userId === session.userId && (await isAdministrator(deps, session))
  const isMfaEnabled = factors.some(({ type }) => type === 'totp')
  return ok({
    _links: linksOf(userId),
    ...{ id: userId, name: username, createdAt: iso(0), updatedAt: iso(0), tags: {} },
    authPolicyId: POLICY,
    authPolicy: { _links: { self: { href: `./auth-policies/${POLICY}` } }, entity: 'auth-policies', id: POLICY },
    externalId: userId,
    isAdmin,
    isMfaEnabled,
    roleAttributes: [],
    type: { _links: {}, entity: 'identity-types', id: 'Default', name: 'Default' },
    typeId: 'Default',
    hasApiSession: userId === session.userId,
  })
}
