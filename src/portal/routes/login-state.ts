import type { RealmName } from '../../base/brand.ts'
import { readDemand } from '../../authn/read-demand.ts'
import { suffices } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { Visit } from '../visit.ts'

/**
 * `GET /login-state?realm=…`: whether the login page of that realm would let this browser pass now. The page's own script asks,
 * in tabs that wait while another one signs in. It is no use of the session: a tab left open must not keep one alive.
 */
export async function showLoginState(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = parts.realms.get((visit.query('realm') ?? '') as RealmName)
  const session = realm === undefined ? undefined : await visit.session()
  const demand = readDemand(visit)
  const signedIn =
    realm !== undefined &&
    session !== undefined &&
    demand !== undefined &&
    suffices(session, realm, demand, parts.clock())
  visit.json(200, { signedIn })
}
