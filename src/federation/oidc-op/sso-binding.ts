import type { IncomingMessage } from 'node:http'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC, Session as LibrarySession } from 'oidc-provider'
import type { Session } from '../../session/session.ts'
import type { Levels } from './levels.ts'
import type { Authorizations, SsoSessions } from './sso-sessions.ts'
import type { Visits } from './visits.ts'

export interface BindingDeps {
  readonly visits: Visits
  readonly sessions: SsoSessions
  readonly levels: Levels
  /** How somebody has proved who they are (`amr`). */
  readonly methodsOf: (session: Session) => string[]
}

/** What one request works with. */
export interface Bound {
  /** The live session of its browser. */
  readonly session: Session | undefined
  readonly authorizations: Authorizations
}

/**
 * Makes our session the library's. There is no second session that could live longer: at every request the library finds somebody signed in
 * when, and as, the SSO cookie says so, and what it keeps of a session it keeps under our session's name. `bound`: to be
 * filled with what each request found.
 */
export function bindSessions(provider: Provider, bound: WeakMap<IncomingMessage, Bound>, deps: BindingDeps): void {
  const { Session: Model } = provider
  const anonymous = Model.get.bind(Model)
  Model.get = async (ctx) => {
    const session = await deps.visits.of(ctx.req).gate.session()
    if (session === undefined) {
      bound.set(ctx.req, { session, authorizations: {} })
      return withoutAccount(await anonymous(ctx))
    }
    const { oidc } = ctx as KoaContextWithOIDC
    const record = await deps.sessions.load(session.sid)
    const authorizations = record?.authorizations ?? {}
    bound.set(ctx.req, { session, authorizations })
    const payload = {
      ...{ jti: session.sid, uid: session.sid, kind: 'Session' },
      ...facts(session, deps),
      // A logout ends what clients have when our session has ended, and tells them then: not the library now.
      authorizations: oidc.route === 'end_session_confirm' ? {} : structuredClone(authorizations),
      ...(record?.state === undefined ? {} : { state: record.state }),
    }
    const made = Reflect.construct(Model, [payload]) as LibrarySession
    // The name of the record is ours and stays; the secret that opens the session is another one, and is replaced by every login.
    Object.defineProperty(made, 'resetIdentifier', { value: () => undefined })
    oidc.entity('Session', made)
    return made
  }
}

/** A browser without a session of ours is nobody's, whatever cookie it has kept. */
function withoutAccount(session: LibrarySession): LibrarySession {
  if (session.accountId !== undefined) session.accountId = undefined
  return session
}

/** What our session says of its owner. */
export function facts(
  session: Session,
  { levels, methodsOf }: Pick<BindingDeps, 'levels' | 'methodsOf'>,
  wanted?: readonly string[],
) {
  return {
    accountId: session.userId,
    loginTs: Math.floor(session.authInstant / 1_000),
    acr: levels.nameOf(session.authLevel, wanted),
    amr: methodsOf(session),
  }
}
