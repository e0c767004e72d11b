import type { Request, Response } from 'express'
import { OIDC_CLIENTS } from '../../federation/oidc-op/client-logout.ts'
import type { GateDemand, LoginGate } from '../../federation/login-gate.ts'
import { uniteAdvices } from '../../policy/advices.ts'
import { formatCompositeAdvice } from '../../policy/composite-advice.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import type { Pairs } from '../frame.ts'
import { loginUrl, signInUrl } from '../login-request.ts'
import { drawOpPage } from '../op-pages.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { CompiledRealm } from '../realms.ts'
import { openVisit, type Visit } from '../visit.ts'
import { signOut } from './logout.ts'

/** `/oauth2/realms/root/realms/…`: the OpenID provider of a realm. False where the realm has none. */
export async function serveIssuer(parts: PortalParts, request: Request, response: Response): Promise<boolean> {
  const found = parts.issuers.at(request.url.split('?', 1)[0] ?? '')
  const realm = found && parts.realms.get(found.realm)
  if (found === undefined || realm === undefined) return false
  const visit = openVisit(parts, request, response)
  const { requestId, client } = visit.facts
  await found.provider.serve(
    {
      request,
      response,
      requestId,
      clientIp: client.ip,
      gate: loginGate(parts, visit, realm),
      certificate: () => {
        const shown = visit.presented.certificate()
        return shown === 'unreadable' ? undefined : shown?.leaf
      },
      sameOrigin: () => visit.sameOrigin(),
      field: (name) => visit.field(name),
      draw: (page) => drawOpPage(visit, realm, page),
    },
    found.path,
  )
  return true
}

/** The login, as a provider of the realm's asks for it. */
export function loginGate(parts: PortalParts, visit: Visit, realm: CompiledRealm): LoginGate {
  const mine = async (): Promise<Session | undefined> => {
    const session = await visit.session()
    return session?.realm === realm.name ? session : undefined
  }
  return {
    async session() {
      const session = await mine()
      return session === undefined || isAnonymous(session) ? undefined : session
    },
    used: (session) => visit.used(session),
    async loginUrl(demand, returnTo) {
      const session = await mine()
      const goto = ['goto', returnTo] as const
      // The one demand that any login at all meets: who has a session without proof is asked for more there.
      if (!asksForMore(demand)) return signInUrl(realm, session, [goto, ...nameOf(demand)])
      return loginUrl(realm, [goto, ...pairsOf(demand, session)])
    },
    async signOut(session, { client, title, url }) {
      const except = client === undefined ? undefined : { protocol: OIDC_CLIENTS, partner: client }
      const ending = url === undefined ? ({ kind: 'page' } as const) : ({ kind: 'goto', url, title } as const)
      const away = await signOut(parts, visit, session, { ending, except })
      visit.signOut()
      return away
    },
  }
}

function asksForMore({ level, maxAgeMs, force, another, advices }: GateDemand): boolean {
  return force || another === true || level !== undefined || maxAgeMs !== undefined || advices !== undefined
}

function nameOf({ username }: GateDemand): Pairs {
  return username === undefined || username === '' ? [] : [['user', username]]
}

/** A proof that has to be new is one that is as strong as the session: a password alone does not renew what a second factor proved. */
function pairsOf(demand: GateDemand, session: Session | undefined): Pairs {
  const { level, maxAgeMs, force, username, another } = demand
  // A demand to the session would be met by its own person alone.
  if (another === true) return [['ForceAuth', 'true']]
  const isOther = username !== undefined && username !== session?.username
  if (force && isOther && level === undefined) return [...nameOf(demand), ['ForceAuth', 'true']]
  const least = session !== undefined && isAnonymous(session) ? session.authLevel + 1 : undefined
  const wanted = level === undefined ? least : Math.max(level, least ?? 0)
  const age = force && session !== undefined ? 0 : maxAgeMs
  const asked = {
    ...(wanted === undefined ? {} : { AuthLevelConditionAdvice: [String(wanted)] }),
    ...(age === undefined ? {} : { AuthenticationAgeConditionAdvice: [String(Math.floor(age / 1_000))] }),
  }
  const advices = uniteAdvices(asked, demand.advices, 'all') ?? {}
  return [
    ...(Object.keys(advices).length === 0
      ? []
      : ([
          ['authIndexType', 'composite_advice'],
          ['authIndexValue', formatCompositeAdvice(advices)],
        ] as const)),
    ...(force ? ([['ForceAuth', 'true']] as const) : []),
  ]
}
