import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createAddressSet, createClientResolver, type ClientResolver } from '../../http/forwarded.ts'
import { peerAddress } from '../../http/peer-address.ts'
import type { ForwardAuthConfig } from './forward-auth.schema.ts'

/** Who may ask for decisions, and whose words count about where a request came from. Compiled for one generation. */
export interface ForwardAuthRules {
  trusts(request: IncomingMessage): boolean
  readonly clientOf: ClientResolver
}

/** In which a proxy shows that it is one of ours. `header-scrub.ts` knows it, too. */
export const SECRET_HEADER = 'x-gatehouse-proxy-secret'

/** `behind`: proxies in front of the proxy that asks. */
export function compileForwardAuth(
  { trustedProxies, secret }: Pick<ForwardAuthConfig, 'trustedProxies' | 'secret'>,
  behind: readonly string[],
): ForwardAuthRules {
  const trusted = createAddressSet(trustedProxies)
  const wanted = secret === undefined ? undefined : digest(secret)
  const clientOf = createClientResolver([...trustedProxies, ...behind])
  return {
    trusts: (request) => trusted.has(peerAddress(request.socket)) && (wanted === undefined || shows(request, wanted)),
    // Whoever asks is never the client: without the header nobody knows who is.
    clientOf(request) {
      const client = clientOf(request)
      return request.headers['x-forwarded-for'] === undefined ? { ...client, ip: '' } : client
    },
  }
}

function shows({ headers }: IncomingMessage, wanted: Buffer): boolean {
  const shown = headers[SECRET_HEADER]
  return typeof shown === 'string' && timingSafeEqual(digest(shown), wanted)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
