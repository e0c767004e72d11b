import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expectation } from '../http/request-limits.ts'
import type { AccessRequest } from './access-request.ts'
import type { KeptForm } from './kept-forms.ts'
import { plainHead, type OutgoingHead, type RecentHeads } from './recent-heads.ts'
import { formHeaders } from './request-headers.ts'
import type { Exchange, ExchangeEnding, RewriteResponseHead } from './upstream/upstream.ts'
import type { Forward } from './verdict.ts'

/** A request that goes to its application, and where the answer goes. */
interface HandedOver {
  readonly request: AccessRequest
  readonly context: { readonly response: ServerResponse }
  readonly tunnel: { readonly socket: Socket; readonly head: Buffer; release(): void } | undefined
  readonly ending: ExchangeEnding
  readonly renewed?: (() => string | undefined) | undefined
  readonly body?: Buffer | undefined
  readonly form?: { readonly content: KeptForm | undefined } | undefined
}

/** Hands the exchange to the upstream, which tells the delivery's ending. */
export function handOver(
  heads: RecentHeads,
  verdict: Forward,
  { delivery, signal }: { readonly delivery: HandedOver; readonly signal: AbortSignal | undefined },
): void {
  const { site, session, forgets } = verdict
  const { request, context, tunnel, ending, renewed, body, form } = delivery
  const { method, target, raw } = request
  const { headers, checked } = headFor(heads, verdict, delivery)
  const outgoing = { method, target: target.target, headers, checked }
  const { rewrites } = site
  const own = renewed === undefined ? rewrites.protected : rewrites.renewing(renewed)
  const rewrite =
    forgets !== undefined ? forgetting(rewrites.protected, forgets) : session === undefined ? rewrites.open : own
  const parts: Exchange = { request: raw, outgoing, rewrite, signal, body: form?.content?.body ?? body }
  if (tunnel !== undefined) {
    tunnel.release()
    site.upstream.upgrade(parts, tunnel.socket, tunnel.head).then(
      (result) => ending.ended(result),
      (caught: unknown) => ending.failed(caught),
    )
    return
  }
  if (parts.body === undefined) sendContinue(request, context.response)
  site.upstream.forward(parts, context.response, ending)
}

function forgetting(rewrite: RewriteResponseHead, cookies: readonly string[]): RewriteResponseHead {
  const lines = cookies.flatMap((cookie) => ['Set-Cookie', cookie])
  return (status, headers) => [...rewrite(status, headers), ...lines]
}

/** An ordinary request of a session is one of many; the others are rare, or everybody's. */
function headFor(
  heads: RecentHeads,
  { session, identity }: Forward,
  { request, tunnel, form, body }: HandedOver,
): OutgoingHead {
  if (session !== undefined && tunnel === undefined && form === undefined && body === undefined)
    return heads.headOf(request, identity)
  const { headers } = plainHead(request, identity)
  return { headers: form?.content === undefined ? headers : formHeaders(headers, form.content), checked: undefined }
}

/** Only now is the body asked for: a request that is refused never has its upload sent. */
export function sendContinue({ raw }: AccessRequest, response: ServerResponse): void {
  if (expectation(raw) === 'continue') response.writeContinue()
}
