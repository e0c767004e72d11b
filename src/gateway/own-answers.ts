import type { IncomingMessage } from 'node:http'
import type { Refusal, RefusalKind, RenderedPage } from '../http/refusal-page.ts'
import { parseTarget, type EncodedPathRule } from '../http/request-url.ts'
import { isEndpointPath } from './endpoint-path.ts'
import { sentenceOf } from './error-pages.ts'
import { compileNotEnforced } from './not-enforced.ts'
import type { OwnAnswersConfig } from './own-answers.schema.ts'
import { compileTemplate } from './page-template.ts'

/** What a profile changes about answers that are ours. Asked only when one is given. */
export interface OwnAnswers {
  /** The profile's page, where it has one for such a refusal. */
  page(refusal: Refusal): RenderedPage | undefined
  /** Where people are sent whom policy refuses: absolute. */
  readonly accessDenied: string | undefined
  /** Whether whatever sent this is told in JSON. */
  isJson(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean
  /** The status of such an answer in place of 401 and 403. */
  readonly jsonStatus: number | undefined
}

/** These say nothing but that it did not work; the others carry a way on, which a page of somebody else's would lose. */
const REPLACEABLE: ReadonlySet<RefusalKind> = new Set<RefusalKind>([
  'forbidden',
  'unavailable',
  'bad-request',
  'method-not-allowed',
  'upstream',
  'not-found',
  'internal',
])

interface SiteFacts {
  readonly url: string
  readonly encodedPaths: readonly EncodedPathRule[]
}

export function compileOwnAnswers({ pages, accessDenied, json }: OwnAnswersConfig, site: SiteFacts): OwnAnswers {
  const templates = new Map(Object.entries(pages).map(([status, text]) => [Number(status), compileTemplate(text)]))
  return {
    page: (refusal) => {
      // The reasons are for whoever can do something about them.
      if (refusal.why !== undefined || !REPLACEABLE.has(refusal.kind)) return undefined
      return templates.get(refusal.status)?.({
        requestId: refusal.requestId,
        status: String(refusal.status),
        message: sentenceOf(refusal.kind),
        site: refusal.siteTitle ?? '',
        username: refusal.username ?? '',
        logoutUrl: refusal.logoutUrl ?? '',
      })
    },
    accessDenied: accessDenied?.startsWith('/') === true ? site.url + accessDenied : accessDenied,
    isJson: json === undefined ? () => false : compileJson(json, site),
    jsonStatus: json?.status,
  }
}

function compileJson(
  { paths, invert, headers }: NonNullable<OwnAnswersConfig['json']>,
  { encodedPaths }: SiteFacts,
): OwnAnswers['isJson'] {
  const matches = compileNotEnforced(paths.map((path) => ({ path })))
  const wanted = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return (request) => {
    if (wanted.some(([name, value]) => request.headers[name] === value)) return true
    if (paths.length === 0) return false
    const target = parseTarget(request.url ?? '', encodedPaths)
    // Paths are those of the application: a form that was kept, and a login that does not hold, have their pages.
    if (typeof target === 'string' || isEndpointPath(target)) return false
    const { path, alternatives } = target
    return matches({ method: request.method ?? '', ip: '', path, alternatives }) !== invert
  }
}

/** The parameter that says which request was refused, and that whoever brings it has been sent on once. */
const DENIED = 'denied'

/** Where to send somebody whom policy refuses; `undefined` where they have been sent on already, so that nobody goes round in circles. */
export function deniedUrl(
  { accessDenied }: OwnAnswers,
  { query, requestId }: { readonly query: string | undefined; readonly requestId: string },
): string | undefined {
  if (accessDenied === undefined || new URLSearchParams(query ?? '').has(DENIED)) return undefined
  return `${accessDenied}${accessDenied.includes('?') ? '&' : '?'}${DENIED}=${encodeURIComponent(requestId)}`
}
