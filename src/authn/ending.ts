import type { Clock } from '../base/clock.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session } from '../session/session.ts'
import type { Transactions } from '../session/transactions.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { giveApproval } from './approval.ts'
import { provedEvent, recordEvent, successEvent } from './incidents.ts'
import type { Journey, Proof } from './journey.ts'
import type { LoginContext } from './login-call.ts'
import type { RealmAuthn } from './realm-authn.ts'
import { signIn, whyNot, type SignInDeps } from './sign-in.ts'
import type { Settled } from './stand-ins.ts'
import type { ProgramStep, StepFailure } from './step.ts'

export interface EndingDeps extends SignInDeps {
  readonly transactions: Pick<Transactions, 'approve'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** A login in which everything is proved, and that no other call finishes. */
export interface Proved {
  readonly realm: RealmAuthn
  readonly journey: Journey
  readonly context: LoginContext
  readonly proof: Proof
  /** The browser, where it is remembered from now on. */
  readonly remembered: Extract<Settled, { readonly kind: 'settled' }>['remembered']
}

/** What it comes to. */
export type Ending =
  | Extract<ProgramStep, { readonly kind: 'done' | 'proved' | 'approval-over' | 'unreachable' }>
  /** What was proved does not count any more. */
  | { readonly kind: 'again'; readonly failure: StepFailure }
  /** One of the person's other sessions has to end first. */
  | { readonly kind: 'no-room'; readonly running: readonly Session[] }

/** Gives what was asked for, an approval, a session or the mere proof, and keeps it in the audit trail. */
export async function endLogin(deps: EndingDeps, proved: Proved): Promise<Ending> {
  const { realm, journey, context, proof, remembered } = proved
  const { session: current, origin } = context
  // An address alone makes somebody anonymous: it must not end what they have proved (logout forgery).
  if (isAnonymous(proof) && current !== undefined && !isAnonymous(current))
    return { kind: 'unreachable', destination: journey.destination }
  if (remembered !== undefined) {
    const { id: factor, type } = remembered
    const { username } = proof
    recordEvent(deps, { event: 'FactorEnrolled', realm: realm.realm, username, type, factor }, origin)
  }
  return journey.withoutSession === true ? onlyProve(deps, proved) : beginSession(deps, proved)
}

async function beginSession(deps: EndingDeps, proved: Proved): Promise<Ending> {
  const { realm, journey, context, proof } = proved
  const { chain, standIn, destination } = journey
  const { session: current, origin } = context
  await approve(deps, proved)
  const result = await signIn(deps, {
    realm,
    proof,
    chain,
    current,
    origin,
    since: earlier(standIn?.since, proof.since),
  })
  switch (result.kind) {
    case 'signed-in':
      recordEvent(deps, successEvent(result.issued.session, proof), origin)
      return { kind: 'done', issued: result.issued, destination }
    case 'no-such-user':
    case 'password-changed':
      return refuse(deps, proved, result.kind)
    case 'session-changed':
      return { kind: 'again', failure: 'session-changed' }
    case 'quota-reached':
      return { kind: 'no-room', running: result.running }
  }
}

/** They are who they are, now; and what they were to approve is approved. No session begins or changes. */
async function onlyProve(deps: EndingDeps, proved: Proved): Promise<Ending> {
  const { realm, journey, context, proof } = proved
  const { approval, destination } = journey
  const ended = await whyNot(realm, proof)
  if (ended !== undefined) return refuse(deps, proved, ended)
  const isApproved = await approve(deps, proved)
  if (approval !== undefined && !isApproved) return { kind: 'approval-over', destination }
  recordEvent(deps, provedEvent(realm.realm, proof), context.origin)
  return { kind: 'proved', username: proof.username, destination }
}

async function approve(deps: EndingDeps, { realm, journey, context, proof }: Proved): Promise<boolean> {
  const { session, origin } = context
  const given = await giveApproval(deps.transactions, { approval: journey.approval, proof, session })
  if (given !== undefined) recordEvent(deps, { event: 'TransactionApproved', realm: realm.realm, ...given }, origin)
  return given !== undefined
}

function refuse(
  deps: EndingDeps,
  { realm, context, proof: { username } }: Proved,
  why: 'no-such-user' | 'password-changed',
): Ending {
  const reason = why === 'no-such-user' ? 'disabled' : 'wrong-password'
  recordEvent(deps, { event: 'AuthnFailed', realm: realm.realm, username, reason }, context.origin)
  return { kind: 'again', failure: 'bad-credentials' }
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}
