import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { fault } from '../errors.ts'
import { isSameOrigin } from '../http/csrf.ts'
import { expectation } from '../http/request-limits.ts'
import type { Session } from '../session/session.ts'
import type { AskedRequest, Transactions } from '../session/transactions.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import { urlOf, type AccessRequest } from './access-request.ts'
import type { Decide } from './decide.ts'
import type { Delivery } from './enact.ts'
import type { KeptForm } from './kept-forms.ts'
import { announcedLength, readBody } from './read-body.ts'
import type { RefusalReason, StepUp, Verdict } from './verdict.ts'

export interface ApprovalsDeps {
  readonly transactions: Pick<Transactions, 'ask' | 'redeem'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** A verdict to be carried out, and on what. */
export interface Settled {
  readonly verdict: Verdict
  readonly delivery: Delivery
}

export interface Approvals {
  /**
   * What becomes of a request that needs an approval: it passes where its user has approved exactly it, else it asks for that. `form`: the
   * kept form that it stands for. Rejects with faults.
   */
  settle(verdict: StepUp, delivery: Delivery, form?: KeptForm): Promise<Settled>
}

/** Bytes of a body that an approval can be bound to: it is read into memory for that. */
const LONGEST_BODY = 1_048_576
/** Bytes that are being read at once, by all requests of the process. */
const MOST_IN_MEMORY = 32 * 1_048_576

/** Whether an approval is missing, alone or with something else. */
export function needsApproval(verdict: Verdict): verdict is StepUp {
  return verdict.kind === 'step-up' && verdict.advices.TransactionConditionAdvice !== undefined
}

export function createApprovals(deps: ApprovalsDeps & { readonly decide: Decide }): Approvals {
  const { transactions, decide } = deps
  let inMemory = 0

  /** Either the body or why there is none. */
  const bodyOf = async (
    { request, context, body }: Delivery,
    form: KeptForm | undefined,
  ): Promise<Buffer | RefusalReason> => {
    if (form !== undefined) return form.body
    if (body !== undefined) return body
    if (!hasBody(request.raw)) return EMPTY
    const length = announcedLength(request.raw)
    if (length === undefined) return 'length-required'
    if (length > LONGEST_BODY) return 'body-too-large'
    if (inMemory + length > MOST_IN_MEMORY) throw fault('GH_BUSY', { detail: 'too many bodies wait for approvals' })
    inMemory += length
    // What is refused never has its upload asked for.
    if (expectation(request.raw) === 'continue') context.response.writeContinue()
    try {
      return await readBody(request.raw, length)
    } finally {
      inMemory -= length
    }
  }

  const settle: Approvals['settle'] = async (verdict, delivery, form) => {
    const { request } = delivery
    const { session } = verdict
    if (isForged(request)) return refused(delivery, 'cross-site')
    // Known for certain or not at all: no grace for what is asked of a person each time.
    if (session.unconfirmed === true) throw fault('GH_STORE_UNAVAILABLE', { detail: 'no grace for an approval' })
    const approved = { ...request, approved: true }
    // What else is missing is asked for first: an approval would be given for nothing, or used up.
    const next = await decide.decideKnown(approved, session)
    if (next.kind !== 'forward') return { verdict: next, delivery }
    const body = await bodyOf(delivery, form)
    if (typeof body === 'string') return refused(delivery, body)
    const asked = askedRequest(verdict, request, contentOf(request, body, form))
    const settled = body === EMPTY ? delivery : { ...delivery, body: delivery.body ?? body }
    const transaction = await transactions.redeem(asked, request.transaction)
    if (transaction !== undefined) {
      note(deps, request, { session, transaction })
      return { verdict: next, delivery: { ...settled, request: approved } }
    }
    const id = await transactions.ask(asked)
    if (id === undefined) return refused(settled, 'too-many-approvals')
    return { verdict: { ...verdict, advices: { TransactionConditionAdvice: [id] } }, delivery: settled }
  }

  return { settle }
}

const EMPTY = Buffer.alloc(0)

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'] ?? '0'
  return headers['transfer-encoding'] !== undefined || length !== '0'
}

/** A page of a stranger must not choose what a person is asked to approve, and then send it again. */
function isForged({ method, raw, site }: AccessRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  const { origin, 'sec-fetch-site': from } = raw.headers
  return (origin !== undefined || from !== undefined) && !isSameOrigin(raw.headers, site.url)
}

function refused(delivery: Delivery, reason: RefusalReason): Settled {
  return { verdict: { kind: 'refuse', status: STATUS[reason] ?? 403, reason }, delivery }
}

const STATUS: Readonly<Partial<Record<RefusalReason, 403 | 411 | 413 | 429>>> = {
  'length-required': 411,
  'body-too-large': 413,
  'too-many-approvals': 429,
}

function askedRequest({ session, advices }: StepUp, request: AccessRequest, content: string): AskedRequest {
  const requirements = advices.TransactionConditionAdvice ?? []
  return { session, agent: request.site.agent, method: request.method, url: urlOf(request), content, requirements }
}

/** Headers that change what an application makes of the same address and body. */
const MEANING = ['content-encoding', 'upgrade', 'x-http-method-override', 'x-http-method', 'x-method-override'] as const

function contentOf({ raw }: AccessRequest, body: Buffer, form: KeptForm | undefined): string {
  const type = form?.contentType ?? raw.headers['content-type']
  const headers = [type, ...MEANING.map((name) => raw.headers[name])].map((value) => value ?? null)
  return createHash('sha256')
    .update(`${JSON.stringify(headers)}\n`)
    .update(body)
    .digest('base64url')
}

function note(
  { audit, clock }: ApprovalsDeps,
  request: AccessRequest,
  { session, transaction }: { readonly session: Session; readonly transaction: string },
): void {
  const { realm, username, sid } = session
  audit.record({
    event: 'TransactionRedeemed',
    at: clock(),
    requestId: request.id,
    clientIp: request.client.ip,
    realm,
    username,
    sid,
    agent: request.site.agent,
    method: request.method,
    path: request.target.path,
    transaction,
  })
}
