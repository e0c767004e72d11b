import type { IncomingMessage } from 'node:http'
import { AMBIGUOUS, findCookie } from '../../http/cookies.ts'
import type { SessionToken } from '../../session/session.ts'

/** What a request carries to say who calls. */
export interface PresentedTokens {
  /** From the header named like the cookie, which goes before the cookie itself. */
  readonly caller: SessionToken | undefined
  readonly cookie: SessionToken | undefined
}

export interface TokenNames {
  /** The cookie as browsers know it, over https with its prefix. */
  readonly cookie: string
  /** Headers that carry a token, in lower case. */
  readonly headers: readonly string[]
}

/** Programs may write the name as `serverinfo` tells it or as the configuration does. */
export function tokenNames(cookie: string, others: readonly (string | undefined)[]): TokenNames {
  const names = [cookie, ...others].filter((name) => name !== undefined)
  return { cookie, headers: [...new Set(names.map((name) => name.toLowerCase()))] }
}

export function presentedTokens(request: IncomingMessage, names: TokenNames): PresentedTokens {
  const found = findCookie(request.headers.cookie, names.cookie)
  const cookie = found === AMBIGUOUS || found === '' ? undefined : (found as SessionToken | undefined)
  return { caller: headerToken(request, names) ?? cookie, cookie }
}

/** The token in the header named like the cookie. */
export function headerToken({ headers }: IncomingMessage, names: TokenNames): SessionToken | undefined {
  const header = names.headers.map((name) => headers[name]).find((value) => value !== undefined && value !== '')
  return typeof header === 'string' ? (header as SessionToken) : undefined
}
