import type { IncomingMessage } from 'node:http'
import { isSameOrigin } from '../http/csrf.ts'

/**
 * Whether a page of another origin may be behind a request that a cookie could vouch for (cross-site request forgery). A browser says
 * where a request comes from, and that has to be the login host. A program says nothing of the kind, and has to show something that
 * no page can send elsewhere without asking first: a body of JSON or XML, or one of `proofs`, headers of our own.
 */
export function mayBeForged(request: IncomingMessage, origin: string, proofs: readonly string[]): boolean {
  const { headers, method } = request
  const site = headers['sec-fetch-site']
  if (method === 'GET' || method === 'HEAD') return site === 'cross-site' || site === 'same-site'
  if ((site !== undefined || headers.origin !== undefined) && !isSameOrigin(headers, origin)) return true
  return !showsProof(request, proofs)
}

/** Types of a body that no form has, and no script may send elsewhere unasked (Fetch §2.2.2). */
const UNLIKE_FORMS = /^application\/(?:json|xml|xacml\+json|xacml\+xml)\s*(?:;|$)/i

/** Whether no page can have sent the request elsewhere without asking first: it only reads, its body is JSON or XML, or it has one of `proofs`. */
export function showsProof({ headers, method }: IncomingMessage, proofs: readonly string[]): boolean {
  if (method === 'GET' || method === 'HEAD') return true
  return UNLIKE_FORMS.test(headers['content-type'] ?? '') || proofs.some((name) => headers[name] !== undefined)
}
