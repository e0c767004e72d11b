import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Session } from '../../session/session.ts'
import { targetsOf } from './client-metadata.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import { formOf } from './device-pages.ts'
import type { SubjectOf } from './subjects.ts'
import type { Visits } from './visits.ts'

export interface LogoutPagesDeps {
  readonly visits: Visits
  readonly clientOf: (id: string) => OidcClientConfig | undefined
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
  readonly subjectOf: SubjectOf
}

/**
 * RP-initiated logout (OIDC RP-Initiated Logout 1.0): asks first, so that no link signs anybody out. An ID token that was issued for this
 * very session, to who is signed in, speaks for the application that has it: then nobody is asked.
 */
export function logoutPages({ visits, clientOf, sessionOf, subjectOf }: LogoutPagesDeps) {
  return {
    logoutSource: (ctx: KoaContextWithOIDC) => {
      const client = ctx.oidc.client && clientOf(ctx.oidc.client.clientId)
      ctx.type = 'html'
      ctx.body = visits.of(ctx.req).draw({
        kind: 'sign-out',
        client: client && (client.name ?? client.id),
        username: sessionOf(ctx)?.username ?? '',
        isAsked: !isHintOfSession(ctx, subjectOf),
        ...formOf(ctx, 'end_session_confirm'),
        targets: client === undefined ? [] : targetsOf(client),
      })
    },
    postLogoutSuccessSource: (ctx: KoaContextWithOIDC) => {
      ctx.status = 303
      ctx.redirect('/logged-out')
    },
  }
}

function isHintOfSession({ oidc: { entities, session, client } }: KoaContextWithOIDC, subjectOf: SubjectOf): boolean {
  const payload = entities.IdTokenHint?.payload
  if (payload === undefined || session?.accountId === undefined || client === undefined) return false
  const sid = session.sidFor(client.clientId)
  return payload['sub'] === subjectOf(client.clientId, session.accountId) && sid !== undefined && payload['sid'] === sid
}
