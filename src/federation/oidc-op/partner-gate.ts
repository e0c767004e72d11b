import type { KoaContextWithOIDC, RefreshToken } from 'oidc-provider'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { User } from '../../identity/directory.ts'
import type { PolicySubject } from '../../policy/decision.ts'
import type { Session } from '../../session/session.ts'
import type { Entrance, PartnerAccess, PartnerVerdict } from '../partner-access.ts'
import type { Levels } from './levels.ts'
import type { Library } from './library.ts'
import type { SsoSessions } from './sso-sessions.ts'
import type { OpVisit, Visits } from './visits.ts'

export interface PartnerGateDeps {
  readonly realm: RealmName
  readonly access: PartnerAccess
  readonly library: Pick<Library, 'errors'>
  readonly visits: Visits
  readonly levels: Levels
  readonly sessions: Pick<SsoSessions, 'live'>
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
}

/** Which people policies let a client have: asked before it is told of anybody, and at each refresh. */
export interface PartnerGate {
  /** About who is signed in and the request's client; everybody may where nobody is signed in yet. */
  verdict(ctx: KoaContextWithOIDC): Promise<PartnerVerdict>
  /** Writes down that a request which may ask nothing was refused. */
  refusedSilently(ctx: KoaContextWithOIDC): Promise<void>
  /** @throws `invalid_grant` where the person may not be signed in there any more: the token stays as it is */
  mayRefresh(ctx: KoaContextWithOIDC, token: RefreshToken, user: User): Promise<void>
}

export function entranceOf(session: Session, visit: Pick<OpVisit, 'clientIp' | 'requestId'>, client: string): Entrance {
  const { clientIp, requestId } = visit
  return { partner: client, subject: session, sid: session.sid, clientIp, requestId }
}

export function createPartnerGate(deps: PartnerGateDeps): PartnerGate {
  const { realm, access, library, visits, levels, sessions, sessionOf } = deps
  const asked = new WeakMap<KoaContextWithOIDC, Promise<PartnerVerdict>>()
  const entrance = (ctx: KoaContextWithOIDC): Entrance | undefined => {
    const session = sessionOf(ctx)
    const client = ctx.oidc.client?.clientId
    return session === undefined || client === undefined ? undefined : entranceOf(session, visits.of(ctx.req), client)
  }

  /** What outlives the session is about what had been proved then, as far as the token says. */
  const subjectOf = ({ acr, authTime = 0 }: RefreshToken, { id, username }: User): PolicySubject => {
    const at = (authTime * 1_000) as EpochMs
    const authLevel = levels.levelOf(acr ?? '') ?? 0
    return { realm, userId: id, username, authLevel, authModules: [], authInstant: at, createdAt: at, properties: {} }
  }

  return {
    verdict(ctx) {
      const known = asked.get(ctx)
      if (known !== undefined) return known
      const question = entrance(ctx)
      const verdict = question === undefined ? Promise.resolve({ kind: 'allowed' } as const) : access.ask(question)
      asked.set(ctx, verdict)
      return verdict
    },

    async refusedSilently(ctx) {
      const question = entrance(ctx)
      if (question !== undefined) await access.refused(question)
    },

    async mayRefresh(ctx, token, user) {
      const session = token.sessionUid === undefined ? undefined : await sessions.live(token.sessionUid)
      const { requestId } = visits.of(ctx.req)
      const question: Entrance = {
        partner: token.clientId ?? '',
        subject: session ?? subjectOf(token, user),
        sid: session?.sid,
        // It is the client's server that asks: where the person is, nobody knows.
        clientIp: '',
        requestId,
      }
      if ((await access.ask(question)).kind === 'allowed') return
      await access.refused(question)
      throw new library.errors.InvalidGrant('a policy of the realm does not let this person in')
    },
  }
}
