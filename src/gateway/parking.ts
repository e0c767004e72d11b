import { requestKind } from '../http/request-kind.ts'
import type { AccessRequest } from './access-request.ts'
import { answerRefusal, type AnswerContext } from './answers.ts'
import { ENDPOINT_PREFIX } from './endpoint-path.ts'
import { onlyParameters } from './only-parameters.ts'
import type { ParkedPosts, Parking, StateField } from './parked-posts.ts'

/** Parameter of the GET that takes up what was parked. */
const TICKET = 'parked'

/** An endpoint that answers come to by a form. */
export interface ParkingPlace {
  /** Name below `/.gatehouse/`. */
  readonly endpoint: string
  readonly state: StateField
  /** Nothing of an answer is taken from an address. */
  readonly byFormAlone: boolean
}

/**
 * The request with the fields of the form that it stands for as its query. A post itself is answered here, with a page of the site's own that
 * goes on by a GET: a redirect would still be a request of the other site's.
 */
export async function takenUp(
  parkedPosts: ParkedPosts,
  { endpoint, state, byFormAlone }: ParkingPlace,
  { request, context }: { readonly request: AccessRequest; readonly context: AnswerContext },
): Promise<AccessRequest | undefined> {
  const { site, target, raw, method } = request
  if (method !== 'POST') {
    const ticket = onlyParameters(target.query)(TICKET)
    if (ticket === undefined) return byFormAlone ? { ...request, target: { ...target, query: undefined } } : request
    // From our own page, or typed: whoever leads somebody here from elsewhere brings a form of their own (login cross-site request forgery).
    const from = raw.headers['sec-fetch-site']
    const isOwn = from === undefined || from === 'same-origin' || from === 'none'
    const fields = isOwn ? await parkedPosts.take(ticket, site) : undefined
    return { ...request, target: { ...target, query: fields } }
  }
  if (requestKind(method, raw.headers) !== 'navigation') {
    answerRefusal(context, {
      kind: 'open-at-top-level',
      status: 401,
      loginUrl: `${site.url}/`,
      error: 'login_required',
    })
    return undefined
  }
  const parking = await parkedPosts.park(request, state)
  if (parking.kind === 'refused') {
    answerParking(context, parking.reason)
    return undefined
  }
  const next = `${site.url}${ENDPOINT_PREFIX}${endpoint}?${TICKET}=${parking.ticket}`
  // HTML Living Standard, "The `Refresh` header": works without script.
  answerRefusal(context, { kind: 'goes-on', status: 200, loginUrl: next, headers: { refresh: `0;url=${next}` } })
  return undefined
}

const RETRY_AFTER_SECONDS = 5

function answerParking(context: AnswerContext, reason: Extract<Parking, { kind: 'refused' }>['reason']): void {
  if (reason === 'busy')
    answerRefusal(context, { kind: 'unavailable', status: 503, error: reason, retryAfterSeconds: RETRY_AFTER_SECONDS })
  else answerRefusal(context, { kind: 'bad-request', status: reason === 'too-much' ? 413 : 400, error: reason })
}
