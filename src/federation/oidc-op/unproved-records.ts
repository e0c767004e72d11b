import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import { networkOf } from '../../http/network.ts'
import type { Session } from '../../session/session.ts'
import type { Counters } from '../../store/store.ts'
import type { Library } from './library.ts'
import type { Visits } from './visits.ts'

/** What one network may have kept within the time by requests that prove nothing: everybody of a large house at their first login of a day. */
const UNPROVED = { limit: 2_000, windowMs: 10 * 60_000 } as const

/** What anybody can have written: a login that was begun, a form that waits, a device's code, a request that was pushed. */
const KINDS: ReadonlySet<string> = new Set(['Interaction', 'Session', 'DeviceCode', 'PushedAuthorizationRequest'])

/** Where clients prove who they are. */
const PROVING: ReadonlySet<string> = new Set(['token', 'device_authorization', 'pushed_authorization_request'])

export interface UnprovedRecordsDeps {
  readonly realm: RealmName
  readonly library: Pick<Library, 'Provider' | 'errors'>
  readonly visits: Visits
  readonly counters: Pick<Counters, 'add'>
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
}

/** Keeps strangers from filling the store: rejects with `temporarily_unavailable` (RFC 6749 §4.1.2.1) once their network has had its share. */
export function limitUnproved({ realm, library, visits, counters, sessionOf }: UnprovedRecordsDeps) {
  return async (kind: string): Promise<void> => {
    const context: KoaContextWithOIDC | undefined = library.Provider.ctx
    if (context === undefined || !KINDS.has(kind) || isProved(context, sessionOf)) return
    const key = `oidc-unproved ${realm} ${networkOf(visits.of(context.req).clientIp)}`
    const { count } = await counters.add(key, 1, UNPROVED.windowMs)
    if (count <= UNPROVED.limit) return
    throw new library.errors.TemporarilyUnavailable(
      'too many requests of this network wait for a login; try again in ten minutes',
    )
  }
}

function isProved(context: KoaContextWithOIDC, sessionOf: UnprovedRecordsDeps['sessionOf']): boolean {
  const { route, client } = context.oidc
  const isClient = PROVING.has(route) && client !== undefined && client.clientAuthMethod !== 'none'
  return isClient || sessionOf(context) !== undefined
}
