import { exchange } from '../../http/exchange.ts'
import type { ClientsFile } from './clients.schema.ts'

const LIMITS = { timeoutMs: 2_500, maxBytes: 65_536 } as const

/**
 * How clients' key sets are fetched and clients are told of ends. The addresses stand in the configuration, and may be inside this network:
 * none that a client or a browser sends is ever asked for. No redirect is followed; 64 KiB and two and a half seconds are enough.
 * Rejects for every other address.
 */
export function partnerFetch(clients: ClientsFile['clients']) {
  const named = clients.flatMap(({ jwksUri, backchannelLogoutUri }) => [jwksUri, backchannelLogoutUri])
  const allowed = new Set(named.flatMap((address) => (address === undefined ? [] : [new URL(address).href])))
  return async (address: string | URL, options: RequestInit = {}): Promise<Response> => {
    const { href } = new URL(address)
    if (!allowed.has(href)) throw new Error('this address stands in no configuration of a client')
    const { body } = options
    const headers = Object.fromEntries(new Headers(options.headers).entries())
    const answer = await exchange(
      href,
      {
        method: options.method === 'POST' ? 'POST' : 'GET',
        headers: { ...headers, 'user-agent': 'gatehouse' },
        ...(body instanceof URLSearchParams || typeof body === 'string' ? { body: String(body) } : {}),
      },
      LIMITS,
    )
    const text = answer.status === 204 || answer.status === 304 ? null : new Uint8Array(answer.bytes)
    return new Response(text, { status: answer.status, headers: { 'content-type': answer.type } })
  }
}
