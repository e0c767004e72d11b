import type { RealmName } from '../base/brand.ts'
import type { Clock } from '../base/clock.ts'
import type { AuditEvent, AuditSink } from '../telemetry/audit.ts'
import type { RequestOrigin, Session } from '../session/session.ts'
import type { Incident } from './advance.ts'
import type { Proof } from './journey.ts'
import { ASSERTED_BY } from './modules/asserted-by.ts'
import type { FailureReason } from './modules/module.ts'
import type { Step, StepFailure } from './step.ts'

type AuthnEvent = Extract<
  AuditEvent,
  {
    readonly event:
      | 'AuthnSucceeded'
      | 'AuthnFailed'
      | 'AuthnThrottled'
      | 'FactorEnrolled'
      | 'PasswordChanged'
      | 'TransactionApproved'
  }
>
/** Without what every event has. */
export type Bare<E> = E extends unknown ? Omit<E, 'at' | 'requestId' | 'clientIp'> : never

const SILENT: ReadonlySet<string> = new Set<FailureReason>(['no-certificate', 'no-token', 'no-assertion'])

/** Nothing was tried. */
export function isSilent(incident: Incident): boolean {
  return incident.kind === 'failed' && SILENT.has(incident.reason)
}

/** Why a login that asks nothing came to nothing, as far as its page says. */
export function causeOf(incidents: readonly Incident[]): Extract<Step, { kind: 'unreachable' }>['cause'] {
  const last = incidents.at(-1)
  if (last?.kind !== 'failed') return undefined
  if (last.reason === 'no-certificate') return 'no-certificate'
  if (last.reason === 'too-many-anonymous') return 'too-many-anonymous'
  return last.reason === 'revocation-unknown' || last.reason.startsWith('certificate-') ? 'certificate' : undefined
}

/**
 * Whoever knows a password that has expired is told: they would look for a mistake that they did not make. All else is one answer, also that
 * it is right and of somebody else than whose session is strengthened: beside a session of their own anybody could try a password by itself.
 */
export function failureOf(incidents: readonly Incident[]): StepFailure {
  const last = incidents.at(-1)
  const shown = last?.kind === 'failed' && last.endsLogin === true ? PROVIDER_FAILURES[last.reason] : undefined
  if (shown !== undefined) return shown
  const expired = last?.kind === 'failed' && (last.reason === 'password-expired' || last.reason === 'must-change')
  return expired ? 'password-expired' : 'bad-credentials'
}

/** What a person is told who comes back from a provider, or does not get there. */
const PROVIDER_FAILURES: { readonly [R in FailureReason]?: StepFailure } = {
  'provider-denied': 'provider-denied',
  'provider-unavailable': 'provider-unavailable',
  'provider-refused': 'provider-refused',
  'provider-replayed': 'provider-refused',
  'provider-too-weak': 'provider-too-weak',
  'provider-nobody': 'provider-nobody',
  'linked-to-nobody': 'provider-nobody',
  'name-taken': 'provider-nobody',
}

/** A login that is through. `proof`: of it, and not of the session that it strengthened. */
export function successEvent(
  { sid, realm, authLevel, username }: Session,
  { modules, properties }: Proof,
): Bare<Extract<AuthnEvent, { readonly event: 'AuthnSucceeded' }>> {
  const by = assertedBy(properties[ASSERTED_BY])
  return { event: 'AuthnSucceeded', realm, username, sid, authLevel, modules, ...by }
}

/** A login that only proved who it is. */
export function provedEvent(
  realm: RealmName,
  { username, authLevel, modules, properties }: Proof,
): Bare<Extract<AuthnEvent, { readonly event: 'AuthnSucceeded' }>> {
  const by = assertedBy(properties[ASSERTED_BY])
  return { event: 'AuthnSucceeded', realm, username, sid: undefined, authLevel, modules, ...by }
}

function assertedBy(party: string | undefined): { readonly assertedBy?: string } {
  return party === undefined ? {} : { assertedBy: party }
}

export function incidentEvent(realm: RealmName, incident: Incident): Bare<AuthnEvent> {
  const { username } = incident
  switch (incident.kind) {
    case 'failed':
    case 'again':
      return { event: 'AuthnFailed', realm, username, reason: incident.reason, ...assertedBy(incident.assertedBy) }
    case 'throttled':
      return { event: 'AuthnThrottled', realm, username, scope: incident.scope }
    case 'password-changed':
      return { event: 'PasswordChanged', realm, username: incident.username, sid: undefined, by: 'login' }
    case 'enrolled':
      return {
        event: 'FactorEnrolled',
        realm,
        username: incident.username,
        type: incident.factor.type,
        factor: incident.factor.id,
      }
  }
}

/** Writes it into the audit trail, with when and from where. */
export function recordEvent(
  { audit, clock }: { readonly audit: AuditSink; readonly clock: Clock },
  event: Bare<AuthnEvent>,
  origin: RequestOrigin,
): void {
  const { requestId, clientIp } = origin
  audit.record({ ...event, at: clock(), requestId, clientIp }, origin)
}
