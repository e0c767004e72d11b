import { legacyDemand, legacyLoginUrl, legacyRealm } from '../legacy-login.ts'
import { withQuery } from '../login-request.ts'
import type { PortalParts } from '../portal-parts.ts'
import type { Visit } from '../visit.ts'
import { answerError } from './errors.ts'

/** `GET /UI/Login` and `/XUI/`, where OpenAM's agents and old links lead: our own page, which checks what it is asked. */
export async function showLegacyLogin(parts: PortalParts, visit: Visit): Promise<void> {
  const realm = legacyRealm(parts, visit)
  if (realm === undefined) {
    answerError(parts, visit, { kind: 'not-found', status: 404 })
    return
  }
  const goto = visit.query('goto')
  const demanding = legacyDemand(visit)
  visit.redirect(302, legacyLoginUrl(realm, await visit.session(), { goto, demanding }))
}

/** `GET /UI/Logout`: our own page, which asks first. */
export function showLegacyLogout(parts: PortalParts, visit: Visit): void {
  const realm = legacyRealm(parts, visit)
  const goto = visit.query('goto')
  visit.redirect(
    302,
    withQuery('/logout', [
      ...(realm === undefined ? [] : [['realm', realm.name] as const]),
      ...(goto === undefined ? [] : [['goto', goto] as const]),
    ]),
  )
}
