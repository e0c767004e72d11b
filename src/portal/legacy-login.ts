import type { RealmName } from '../base/brand.ts'
import type { Session } from '../session/session.ts'
import type { Pairs } from './frame.ts'
import { loginUrl, signInUrl } from './login-request.ts'
import type { PortalParts } from './portal-parts.ts'
import type { CompiledRealm } from './realms.ts'
import type { Visit } from './visit.ts'

type Query = Pick<Visit, 'query'>

/** Parameters of `/UI/Login` that our login page reads under the same names. */
const SAME = ['service', 'module', 'authlevel', 'user', 'authIndexType', 'authIndexValue', 'locale'] as const

/** What the parameters of OpenAM's old login page ask for, as our own has them. Names and passwords (`IDToken1`) are left where they are. */
export function legacyDemand({ query }: Query): Pairs {
  const pairs = SAME.flatMap((name) => pair(name, query(name)))
  const advice = query('sunamcompositeadvice')
  if (advice !== undefined) pairs.push(['authIndexType', 'composite_advice'], ['authIndexValue', advice])
  const role = query('role')
  if (role !== undefined) pairs.push(['authIndexType', 'role'], ['authIndexValue', role])
  const isFresh = /^(?:true|yes)$/i.test(query('ForceAuth') ?? '') || query('arg') === 'newsession'
  if (isFresh) pairs.push(['ForceAuth', 'true'])
  return pairs
}

/**
 * Our login page with all that. Who has proved nothing signs in first, where nothing else is asked for: to an agent whoever has a session has
 * signed in, so none hears of them, and they would be sent back and come again for ever.
 */
export function legacyLoginUrl(
  realm: CompiledRealm,
  session: Session | undefined,
  { goto, demanding }: { readonly goto: string | undefined; readonly demanding: Pairs },
): string {
  const pairs: Pairs = [...(goto === undefined ? [] : [['goto', goto] as const]), ...demanding]
  const isDemanding = demanding.some(([name]) => name !== 'locale')
  return isDemanding ? loginUrl(realm, pairs) : signInUrl(realm, session, pairs)
}

function pair(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]]
}

/**
 * The realm that `realm` or `org` names, with or without a slash in front. Where neither does, that of the site that `goto` leads to,
 * else the root realm. `undefined`: there is no such realm.
 */
export function legacyRealm({ realms }: Pick<PortalParts, 'realms'>, { query }: Query): CompiledRealm | undefined {
  const named = query('realm') ?? query('org')
  if (named !== undefined) return realms.get((named.startsWith('/') ? named : `/${named}`) as RealmName)
  const goto = query('goto')
  const there = goto === undefined ? undefined : realms.all.find((realm) => realms.siteAt(realm, goto) !== undefined)
  return there ?? realms.get('/' as RealmName)
}
