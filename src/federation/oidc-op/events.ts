import type { EventEmitter } from 'node:events'
import type Provider from 'oidc-provider'
import type { errors, KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import type { RealmName } from '../../base/brand.ts'
import { asFault } from '../../errors.ts'
import type { Session } from '../../session/session.ts'
import type { AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Visits } from './visits.ts'

export interface EventsDeps {
  readonly realm: RealmName
  readonly visits: Visits
  readonly sessionOf: (ctx: KoaContextWithOIDC) => Session | undefined
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}

/** What is routine: a browser without a session that was to be asked nothing, a device that waits. */
const ROUTINE: ReadonlySet<string> = new Set([
  'login_required',
  'consent_required',
  'interaction_required',
  'authorization_pending',
  'slow_down',
])

/** Writes down who let which client know what, and what was refused to whom. */
export function tellEvents(provider: Provider, deps: EventsDeps): void {
  const { realm, visits, audit, log, clock } = deps
  const about = (ctx: KoaContextWithOIDC) => {
    const { requestId, clientIp } = visits.of(ctx.req)
    return { at: clock(), requestId, clientIp, realm }
  }
  const refused = (
    ctx: KoaContextWithOIDC,
    { error, error_description, error_detail }: errors.OIDCProviderError,
  ): void => {
    if (ROUTINE.has(error)) return
    const reason = error_detail ?? error_description ?? ''
    audit.record({ event: 'OidcRefused', ...about(ctx), client: ctx.oidc.client?.clientId, error, reason })
  }
  provider.on('authorization.success', (ctx) => {
    const session = deps.sessionOf(ctx)
    const client = ctx.oidc.client?.clientId
    if (session === undefined || client === undefined) return
    const scope = [...ctx.oidc.requestParamScopes].join(' ')
    audit.record({
      event: 'OidcAuthorized',
      ...about(ctx),
      username: session.username,
      sid: session.sid,
      client,
      scope,
    })
  })
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('introspection.error', refused)
  provider.on('revocation.error', refused)
  provider.on('end_session.error', refused)
  provider.on('server_error', (ctx, caught) => {
    const error = asFault(caught)
    const { requestId } = visits.of(ctx.req)
    ctx.status = error.status
    log.error(
      { err: error, code: error.code, detail: error.detail, requestId },
      'the OpenID provider could not answer a request',
    )
  })
  // Koa writes to the console what nobody listens to.
  const emitter: EventEmitter = provider
  emitter.on('error', (caught: unknown) => log.error({ err: caught }, 'the OpenID provider could not send an answer'))
}
