import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatehouseError } from '../errors.ts'
import { acceptsHtml, requestKind } from '../http/request-kind.ts'
import { sendHtml, sendJson, sendRedirect, type HeaderRecord } from '../http/respond.ts'
import type { Log } from '../telemetry/log.ts'
import type { ErrorPages, Refusal, RefusalKind } from '../http/refusal-page.ts'
import { plainPages, sentenceOf } from './error-pages.ts'
import type { HandshakeAnswer } from './handshake.ts'
import type { Site } from './site.ts'

/** What every answer of ours needs to know about its request. */
export interface AnswerContext {
  readonly requestId: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly pages: ErrorPages
  readonly log: Log
  /** `undefined` before the host is known. */
  readonly site: Site | undefined
}

/** A refusal without what the context knows already, and what a machine is told in its place. */
export interface RefusalDetails extends Omit<
  Refusal,
  'requestId' | 'realm' | 'siteTitle' | 'acceptLanguage' | 'logoutUrl'
> {
  /** Machine-readable reason; the kind where absent. */
  readonly error?: string
  readonly headers?: HeaderRecord
}

/** A page for people, JSON for everything else: the same refusal either way. */
export function answerRefusal(context: AnswerContext, { error, headers = {}, ...details }: RefusalDetails): void {
  const { request, response, site, requestId } = context
  const retry = details.retryAfterSeconds
  const all = { ...headers, ...(retry === undefined ? {} : { 'retry-after': String(retry) }) }
  const isJson = site?.answers.isJson(request) === true
  if (isJson || (requestKind(request.method ?? '', request.headers) === 'script' && !isHtmlFallback(request))) {
    const { kind, status, loginUrl } = details
    // Only where a login is what is missing: a script that is forbidden something must not send anybody there.
    const login = loginUrl === undefined || status !== 401 ? {} : { loginUrl }
    const chosen = isJson && (status === 401 || status === 403) ? site.answers.jsonStatus : undefined
    sendJson(response, {
      status: chosen ?? status,
      headers: all,
      body: { error: error ?? kind, message: sentenceOf(kind), requestId, ...login },
    })
    return
  }
  const page = render(context, {
    ...details,
    requestId,
    realm: site?.realm,
    siteTitle: site?.title,
    acceptLanguage: request.headers['accept-language'],
    logoutUrl: site?.logoutUrl,
  })
  sendHtml(response, { status: details.status, html: page.html, headers: { ...page.headers, ...all } })
}

/** A browser without Sec-Fetch headers that names HTML is shown a page, whatever its method. */
function isHtmlFallback({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-mode'] === undefined && headers['x-requested-with'] === undefined && acceptsHtml(headers)
}

function render({ pages, log, site }: AnswerContext, refusal: Refusal): ReturnType<ErrorPages['render']> {
  try {
    return site?.answers.page(refusal) ?? pages.render(refusal)
  } catch (error) {
    log.error({ err: error, requestId: refusal.requestId, kind: refusal.kind }, 'page could not be rendered')
    return plainPages.render(refusal)
  }
}

export function answerHandshake(context: AnswerContext, answer: HandshakeAnswer): void {
  const headers = { 'set-cookie': answer.cookies }
  if (answer.kind === 'redirect') {
    sendRedirect(context.response, { status: answer.status, location: answer.location, headers })
    return
  }
  const loginUrl = context.site === undefined ? undefined : `${context.site.url}/`
  answerRefusal(context, { kind: 'loop', status: 403, cause: answer.cause, loginUrl, error: answer.cause, headers })
}

const RETRY_AFTER_SECONDS = 5

function kindOf({ status, code }: GatehouseError): RefusalKind {
  if (code.startsWith('GH_UPSTREAM_')) return 'upstream'
  if (status === 408) return 'bad-request'
  return status === 503 ? 'unavailable' : 'internal'
}

/** A fault becomes its status, never a pass. Once a head is out, only the connection can tell. */
export function answerFault(context: AnswerContext, caught: GatehouseError): void {
  const { response } = context
  if (response.headersSent) {
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  const { status, code } = caught
  // Whatever still comes of such a request is not waited for (RFC 9110 §15.5.9).
  if (status === 408) response.shouldKeepAlive = false
  const kind = kindOf(caught)
  const retry = status === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}
  answerRefusal(context, { kind, status, error: code, ...retry })
}
