import type { CustomFetch } from 'openid-client'
import { exchange } from '../../http/exchange.ts'
import { mayDialHost, publicHostsOnly } from '../../http/public-hosts.ts'
import type { ProviderConfig } from './providers.schema.ts'

const LARGEST_ANSWER = 262_144

/** It cannot be reached, says that it is broken, or is too slow or too long: nothing can be said of what it was asked. */
export class EndpointUnreachable extends Error {}

let internet: ReturnType<typeof publicHostsOnly> | undefined

/**
 * How a provider is asked. Its own document names most addresses, so whoever has the provider could have us call anything: hosts that
 * the configuration names may be inside this network, all others must be on the internet (server-side request forgery). No redirect
 * is followed, an answer has 256 KiB at most.
 */
export function endpointFetch({ issuer, endpoints, hosts, timeout }: ProviderConfig): CustomFetch {
  const named = new Set([issuer, ...Object.values(endpoints ?? {}).flatMap(textOf)].map((url) => new URL(url).host))
  const allowed = (url: URL): boolean =>
    named.has(url.host) || (url.protocol === 'https:' && hosts.includes(url.hostname))
  return async (address, { method, headers, body }) => {
    const url = new URL(address)
    const isNamed = allowed(url)
    // Over http only the issuer of this very machine: the schema allows no other.
    if (!isNamed && (url.protocol !== 'https:' || !mayDialHost(url.hostname))) {
      throw new EndpointUnreachable(`${url.origin} is no address for a provider's endpoint`)
    }
    const limits = { timeoutMs: timeout, maxBytes: LARGEST_ANSWER }
    const asked = {
      method: method === 'POST' ? ('POST' as const) : ('GET' as const),
      headers,
      ...(body === undefined || body === null ? {} : { body: bodyOf(body) }),
    }
    const answer = await exchange(
      address,
      asked,
      isNamed ? limits : { ...limits, dispatcher: (internet ??= publicHostsOnly()) },
    ).catch((error: unknown) => {
      throw new EndpointUnreachable(`${url.origin} cannot be asked`, { cause: error })
    })
    if (answer.status >= 500) throw new EndpointUnreachable(`${url.origin} answers ${answer.status}`)
    const text = answer.status === 204 || answer.status === 304 ? null : new Uint8Array(answer.bytes)
    return new Response(text, { status: answer.status, headers: { 'content-type': answer.type } })
  }
}

function textOf(value: string | boolean | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : []
}

function bodyOf(body: unknown): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('a provider is asked by forms only')
}

/** Whether an error is, or comes from, an endpoint that could not be asked. */
export function isUnreachable(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof EndpointUnreachable) return true
  }
  return false
}
