import { isSameOrigin } from '../http/csrf.ts'
import { expectation } from '../http/request-limits.ts'
import { answerRefusal } from './answers.ts'
import { needsApproval, type Approvals } from './approvals.ts'
import type { Decide } from './decide.ts'
import type { Delivery, Enact } from './enact.ts'
import { findForm, takeForm, ticketOf, type FormKeepingDeps } from './form-keeping.ts'
import { announcedLength, readBody } from './read-body.ts'
import type { StepUp, Verdict } from './verdict.ts'

export interface ReplayDeps {
  readonly decide: Decide
  readonly approvals: Approvals
  readonly enact: Enact
  readonly forms: FormKeepingDeps
  /** Told the verdict before it is carried out. */
  readonly note: (verdict: Verdict) => void
}

/**
 * A request that may be the click which sends a kept form. It is judged like any other; where it may pass, the application gets the
 * form in its place, and where a login is needed once more, the form is still there afterwards. Never rejects.
 */
export async function replay(deps: ReplayDeps, delivery: Delivery): Promise<void> {
  try {
    await send(deps, delivery)
  } catch (caught) {
    delivery.ending.failed(caught)
  }
}

async function send(deps: ReplayDeps, delivery: Delivery): Promise<void> {
  const { decide, enact, forms, note } = deps
  const { request, context, ending } = delivery
  const verdict = await decide.decide(request)
  note(verdict)
  if (verdict.kind !== 'forward' && verdict.kind !== 'login' && verdict.kind !== 'step-up') {
    enact(verdict, delivery)
    return
  }
  if (expectation(request.raw) === 'continue') context.response.writeContinue()
  const body = await readBody(request.raw, announcedLength(request.raw) ?? 0)
  const ticket = ticketOf(body)
  if (ticket === undefined) {
    await carryOut(deps, verdict, { ...delivery, body })
    return
  }
  if (!isSameOrigin(request.raw.headers, request.site.url)) {
    answerRefusal(context, { kind: 'forbidden', status: 403, error: 'cross-site' })
    ending.ended(undefined)
    return
  }
  if (needsApproval(verdict)) {
    await sendApproved(deps, verdict, { delivery, ticket })
    return
  }
  const session = verdict.kind === 'forward' ? verdict.session : undefined
  const content = session && (await takeForm(forms, request, { ticket, session }))
  if (verdict.kind !== 'forward' || content !== undefined) {
    enact(verdict, { ...delivery, form: { ticket, content } })
    return
  }
  answerRefusal(context, { kind: 'form-not-kept', status: 410, back: request.target.path })
  ending.ended(undefined)
}

/** Carries out a verdict on what has been read already. */
async function carryOut({ approvals, enact, note }: ReplayDeps, verdict: Verdict, delivery: Delivery): Promise<void> {
  if (!needsApproval(verdict)) {
    enact(verdict, delivery)
    return
  }
  const settled = await approvals.settle(verdict, delivery)
  note(settled.verdict)
  enact(settled.verdict, settled.delivery)
}

/** What has to be approved is the kept form, not the click. */
async function sendApproved(
  { approvals, enact, forms, note }: ReplayDeps,
  verdict: StepUp,
  { delivery, ticket }: { readonly delivery: Delivery; readonly ticket: string },
): Promise<void> {
  const { request, context, ending } = delivery
  const { session } = verdict
  const found = await findForm(forms, request, { ticket, session })
  const isFor = found?.target === request.target.target
  const settled = isFor ? await approvals.settle(verdict, delivery, found) : undefined
  if (settled !== undefined) note(settled.verdict)
  if (settled !== undefined && settled.verdict.kind !== 'forward') {
    enact(settled.verdict, { ...settled.delivery, form: { ticket, content: undefined } })
    return
  }
  const content = settled && (await takeForm(forms, request, { ticket, session }))
  if (settled !== undefined && content !== undefined) {
    enact(settled.verdict, { ...settled.delivery, form: { ticket, content } })
    return
  }
  answerRefusal(context, { kind: 'form-not-kept', status: 410, back: request.target.path })
  ending.ended(undefined)
}
