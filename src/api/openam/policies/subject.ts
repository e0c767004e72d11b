import { z } from 'zod'
import type { EpochMs, RealmName } from '../../../base/brand.ts'
import type { Facts, PolicySubject, Resource } from '../../../policy/decision.ts'
import type { BearerResolver } from '../../../session/bearer.ts'
import type { Session, SessionService, SessionToken } from '../../../session/session.ts'
import { sameUser } from '../../administration.ts'
import { sessionOf } from '../call.ts'
import type { RealmPolicies } from './realm-policies.ts'

export const subjectSchema = z
  .object({
    ssoToken: z.string().min(1),
    jwt: z.string().min(1),
    claims: z.looseObject({ sub: z.string().min(1) }),
  })
  .partial()

export type AskedSubject = z.infer<typeof subjectSchema>

/** Whom policies are evaluated for. */
export interface Person {
  readonly subject: PolicySubject
  readonly facts: Facts
  /** `undefined` for who is only named: they have proved nothing, and can approve nothing. */
  readonly session: Session | undefined
}

/** Who the subject is at one resource; `undefined`: nobody there. */
export type Subject = (resource: Resource) => Promise<Person | undefined>

export interface SubjectDeps {
  readonly sessions: Pick<SessionService, 'resolve'>
  readonly bearer: Pick<BearerResolver, 'resolve'>
}

interface Asked {
  readonly realm: RealmName
  readonly policies: RealmPolicies
  readonly asked: AskedSubject
  readonly caller: Session | undefined
  readonly resources: readonly Resource[]
}

/**
 * Reads a subject: an SSO token, an access token, or the name of a person who has proved nothing; without any of them it is the caller. Where
 * several are given they have to be of one person, and what proves more counts. `undefined`: it is nobody, or more than one.
 *
 * A restricted token is a subject at the resources of its own site alone: whoever took it from that application must not learn
 * from us what it would open elsewhere.
 */
export async function readSubject(deps: SubjectDeps, question: Asked): Promise<Subject | undefined> {
  const { asked, caller } = question
  const named = asked.claims === undefined ? undefined : await nameOf(question, asked.claims.sub)
  const byJwt = asked.jwt === undefined ? undefined : await deps.bearer.resolve(`Bearer ${asked.jwt}`)
  if (asked.jwt !== undefined && byJwt === undefined) return undefined
  const others = [byJwt, named?.person?.subject].filter((other) => other !== undefined)
  if (asked.ssoToken !== undefined) {
    const token = asked.ssoToken as SessionToken
    const sessions = await sessionsByToken(deps, token, question)
    const [first] = sessions.known
    if (first === undefined || (named !== undefined && named.person === undefined)) return undefined
    return others.every((other) => sameUser(first, other))
      ? (resource) => atResource(question, sessions.at(resource))
      : undefined
  }
  if (byJwt !== undefined) {
    if (named !== undefined && (named.person === undefined || !sameUser(byJwt, named.person.subject))) return undefined
    return () => atResource(question, byJwt)
  }
  if (named !== undefined) return () => Promise.resolve(named.person)
  return () => atResource(question, caller)
}

/** A session of another realm is none here: realms do not vouch for each other. */
async function atResource({ realm, policies }: Asked, session: Session | undefined): Promise<Person | undefined> {
  if (session?.realm !== realm) return undefined
  const facts = await policies.factsOf(session)
  return facts === undefined ? undefined : { subject: session, facts, session }
}

interface TokenSessions {
  readonly known: readonly Session[]
  at(resource: Resource): Session | undefined
}

async function sessionsByToken(
  deps: SubjectDeps,
  token: SessionToken,
  { policies, resources }: Asked,
): Promise<TokenSessions> {
  const login = await sessionOf(deps, token)
  if (login !== undefined) return { known: [login], at: () => login }
  const sites = resources.map((resource) => policies.siteOf(resource)?.audience)
  const audiences = [...new Set(sites.filter((audience) => audience !== undefined))]
  const found = new Map<string, Session>()
  for (const audience of audiences) {
    const session = await deps.sessions.resolve(token, audience)
    if (session !== undefined) found.set(audience, session)
  }
  return {
    known: [...found.values()],
    at(resource) {
      const audience = policies.siteOf(resource)?.audience
      return audience === undefined ? undefined : found.get(audience)
    },
  }
}

/** Somebody of the realm by name, as if they had signed in without proving anything. */
async function nameOf({ realm, policies }: Asked, name: string): Promise<{ readonly person: Person | undefined }> {
  const user = await policies.userNamed(name)
  if (user === undefined) return { person: undefined }
  const { id: userId, username } = user
  const never = 0 as EpochMs
  const unproven = { authLevel: 0, authModules: [], authInstant: never, createdAt: never, properties: {} }
  return { person: { subject: { realm, userId, username, ...unproven }, facts: user, session: undefined } }
}
