import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RealmName } from '../../base/brand.ts'
import { asFault } from '../../errors.ts'
import { networkOf } from '../../http/network.ts'
import type { Session } from '../../session/session.ts'
import type { Counters } from '../../store/store.ts'
import { targetsOf } from './client-metadata.ts'
import type { OidcClientConfig } from './clients.schema.ts'
import type { Library } from './library.ts'
import type { Visits } from './visits.ts'

export interface SurroundingsDeps {
  readonly realm: RealmName
  readonly library: Pick<Library, 'errors'>
  readonly visits: Visits
  readonly counters: Pick<Counters, 'add'>
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
  readonly clientOf: (id: string) => OidcClientConfig | undefined
}

/** Codes that one network may type in, right or wrong, within the time: two a login. A code has 34 bits and lives ten minutes. */
const USER_CODES = { limit: 40, windowMs: 10 * 60_000 } as const

/** What is done around every answer of the library's: limits, our own session's end, and headers. */
export function surround(provider: Provider, deps: SurroundingsDeps): void {
  const { visits, counters, realm } = deps
  const sessionCookie = `${provider.cookieName('session')}=`
  provider.use(async (ctx, next) => {
    const visit = visits.of(ctx.req)
    try {
      if (ctx.method === 'POST' && ctx.path === '/device/user') {
        const key = `oidc-user-code ${realm} ${networkOf(visit.clientIp)}`
        const { count } = await counters.add(key, 1, USER_CODES.windowMs)
        if (count > USER_CODES.limit) {
          refuse(ctx as KoaContextWithOIDC, 429, deps)
          return
        }
      }
      await next()
      const answered = ctx as KoaContextWithOIDC
      await endSession(answered, deps)
      if (deps.sessionOf(answered) !== undefined) withoutCookie(answered, sessionCookie)
      allowForms(answered, deps)
    } catch (caught) {
      if (caught instanceof deps.library.errors.TemporarilyUnavailable) {
        refuse(ctx as KoaContextWithOIDC, 429, deps)
        return
      }
      const { status } = asFault(caught)
      provider.emit('server_error', ctx, caught instanceof Error ? caught : new Error(String(caught)))
      refuse(ctx as KoaContextWithOIDC, status, deps)
    }
  })
}

function refuse(ctx: KoaContextWithOIDC, status: number, { visits }: SurroundingsDeps): void {
  ctx.status = status
  ctx.type = 'html'
  const error = status === 429 ? 'slow_down' : 'server_error'
  ctx.body = visits.of(ctx.req).draw({ kind: 'refused', status, error, description: undefined })
}

/** The library has ended what it knows; ours is the session that counts. */
async function endSession(ctx: KoaContextWithOIDC, { visits, sessionOf, clientOf }: SurroundingsDeps): Promise<void> {
  const { oidc } = ctx as { readonly oidc?: KoaContextWithOIDC['oidc'] }
  const session = sessionOf(ctx)
  const isConfirmed =
    oidc?.route === 'end_session_confirm' && ctx.status === 303 && typeof oidc.params?.['logout'] === 'string'
  if (!isConfirmed || session === undefined) return
  const { clientId, postLogoutRedirectUri } = (oidc.session?.state ?? {}) as Readonly<Record<string, unknown>>
  const client = typeof clientId === 'string' ? clientId : undefined
  const away = await visits.of(ctx.req).gate.signOut(session, {
    client,
    title: client === undefined ? undefined : (clientOf(client)?.name ?? client),
    // With its `state`, as the library has put it together.
    url: typeof postLogoutRedirectUri === 'string' ? ctx.response.get('location') : undefined,
  })
  if (away !== undefined) ctx.redirect(away)
}

/** Who is signed in has our cookie; the library's would say nothing that counts. */
function withoutCookie({ res }: KoaContextWithOIDC, start: string): void {
  const cookies = res.getHeader('set-cookie')
  if (!Array.isArray(cookies)) return
  const kept = cookies.filter((line) => !line.startsWith(start))
  if (kept.length === 0) res.removeHeader('set-cookie')
  else res.setHeader('set-cookie', kept)
}

/** A form that the library has the browser send to a client (`form_post`) has to be allowed by our policy, and so has where it leads. */
function allowForms(ctx: KoaContextWithOIDC, { clientOf }: SurroundingsDeps): void {
  const { oidc } = ctx as { readonly oidc?: KoaContextWithOIDC['oidc'] }
  const policy = ctx.res.getHeader('content-security-policy')
  const client = oidc?.client && clientOf(oidc.client.clientId)
  if (typeof policy !== 'string' || client === undefined) return
  const targets = targetsOf(client).join(' ')
  ctx.res.setHeader('content-security-policy', policy.replace(/form-action 'self'/, `form-action 'self' ${targets}`))
}
