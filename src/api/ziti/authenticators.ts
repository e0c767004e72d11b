import type { Factor } from '../../identity/factors.ts'
import type { Session } from '../../session/session.ts'
import { authenticatorId, methodOf } from './api-session.ts'
import type { Call, FullCaller, ZitiDeps } from './call.ts'
import { identityFor, identityRef, type Identity, type KnownIdentity } from './identity.ts'
import { partOf, readListQuery, type Fields } from './list-query.ts'
import { isAdministrator } from './permission.ts'
import { okAll, okList, ok, problem, iso, type Problem, type Reply } from './reply.ts'

const FIELDS = ['id', 'identity', 'identityId', 'method', 'createdAt', 'updatedAt'] as const

/** What somebody proves who they are with: nothing of what it proves it with. */
interface Authenticator extends Identity {
  readonly id: string
  readonly method: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** One list looks through so many, as one of sessions does. */
const MOST = 10_000

/**
 * `GET authenticators` of the management API: one's own; for administrators those of the whole realm, or by `filter=identity = "ID"` of one
 * person. What people have beside what they set up, a password in a directory, is only in one's own.
 */
export async function listAuthenticators(
  deps: ZitiDeps,
  call: Call,
  { session }: FullCaller,
): Promise<Reply | Problem> {
  const query = readListQuery(call, FIELDS)
  if ('problem' in query) return query
  const named = query.clauses.find(
    ({ field, operator }) => (field === 'identity' || field === 'identityId') && operator === '=',
  )
  if (named === undefined && (await isAdministrator(deps, session))) {
    const { part, page } = partOf(await authenticatorsOfRealm(deps, session), query, fieldsOf)
    return okList((await withNames(deps, part)).map(detailOf), page, FIELDS)
  }
  const userId = named === undefined ? session.userId : String(named.value)
  const identity = await identityFor(deps, session, userId)
  const all = identity === undefined ? [] : authenticatorsOf(deps, session, identity)
  const { part, page } = partOf(all, query, fieldsOf)
  return okList(part.map(detailOf), page, FIELDS)
}

/** Of everybody, after what the caller began with. Names are looked up for those that are shown alone. */
async function authenticatorsOfRealm(deps: ZitiDeps, session: Session): Promise<readonly Authenticator[]> {
  const { administered } = deps
  const own = session.realm === administered.realm ? await identityFor(deps, session, session.userId) : undefined
  const all = own === undefined ? [] : [...authenticatorsOf(deps, session, { ...own, factors: [] })]
  for await (const { userId, factors } of administered.realmAuthn.factors.ofAll()) {
    for (const factor of factors) all.push(ofFactor(factor, { userId, username: userId }))
    if (all.length >= MOST) break
  }
  return all
}

/** Under the names that people have now. */
function withNames(deps: ZitiDeps, part: readonly Authenticator[]): Promise<readonly Authenticator[]> {
  return Promise.all(
    part.map(async (each) => ({ ...each, username: (await deps.userOf(each.userId))?.username ?? each.username })),
  )
}

/** `GET identities/ID/authenticators` and `GET current-identity/authenticators` */
export async function authenticatorsOfIdentity(
  deps: ZitiDeps,
  _call: Call,
  { session }: FullCaller,
  userId: string = session.userId,
): Promise<Reply | Problem> {
  const identity = await identityFor(deps, session, userId)
  if (identity === undefined) return problem('NOT_FOUND')
  return okAll(authenticatorsOf(deps, session, identity).map(detailOf))
}

/** `GET authenticators/ID`: of one's own, and for administrators of anybody's. */
export async function authenticator(
  deps: ZitiDeps,
  _call: Call,
  { session }: FullCaller,
  id: string,
): Promise<Reply | Problem> {
  const own = await identityFor(deps, session, session.userId)
  const found = own && authenticatorsOf(deps, session, own).find((each) => each.id === id)
  if (found !== undefined) return ok(detailOf(found))
  const all = (await isAdministrator(deps, session)) ? await authenticatorsOfRealm(deps, session) : []
  const [other] = await withNames(
    deps,
    all.filter((each) => each.id === id),
  )
  return other === undefined ? problem('NOT_FOUND') : ok(detailOf(other))
}

/** Those that the person set up or was given; of one's own, after what this session began with, which is kept elsewhere. */
function authenticatorsOf(
  { realmAuthn }: ZitiDeps,
  session: Session,
  { userId, username, factors }: KnownIdentity,
): readonly Authenticator[] {
  const method = methodOf(realmAuthn, session.authModules)
  const first = { id: authenticatorId(method, userId), method, userId, username, createdAt: 0, updatedAt: 0 }
  const others = factors.map((factor) => ofFactor(factor, { userId, username }))
  return userId === session.userId ? [first, ...others] : others
}

function ofFactor({ id, type, createdAt, lastUsedAt = createdAt }: Factor, identity: Identity): Authenticator {
  const { userId, username } = identity
  return { id, method: type, userId, username, createdAt, updatedAt: lastUsedAt }
}

function detailOf({ id, method, userId, username, createdAt, updatedAt }: Authenticator): object {
  return {
    _links: { self: { href: `./authenticators/${encodeURIComponent(id)}` } },
    ...{ id, method, createdAt: iso(createdAt), updatedAt: iso(updatedAt), tags: {} },
    ...{ identity: identityRef({ userId, username }), identityId: userId },
    ...(method === 'updb' ? { username } : {}),
  }
}

function fieldsOf({ id, method, userId, createdAt, updatedAt }: Authenticator): Fields {
  return { id, method, identity: userId, identityId: userId, createdAt: iso(createdAt), updatedAt: iso(updatedAt) }
}
