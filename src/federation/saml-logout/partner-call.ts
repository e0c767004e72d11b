import { exchange } from '../../http/exchange.ts'
import { mayDialHost, publicHostsOnly } from '../../http/public-hosts.ts'
import type { SoapCall } from './logout-deps.ts'

const LIMITS = { timeoutMs: 2_500, maxBytes: 65_536 } as const

let internet: ReturnType<typeof publicHostsOnly> | undefined

/**
 * How partners are told without a browser. Where metadata comes from an address, who answers there says where we call next: then only hosts
 * on the internet are called, unless the configuration lets that address be inside this network. No redirect is followed (SSRF).
 */
export const callPartner: SoapCall = async (url, envelope, isInternal) => {
  const { protocol, hostname, origin } = new URL(url)
  if (!isInternal && (protocol !== 'https:' || !mayDialHost(hostname)))
    throw new Error(`${origin} is not on the internet; say internal at metadataUrl, where it may be called`)
  const answer = await exchange(
    url,
    {
      method: 'POST',
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        soapaction: 'http://www.oasis-open.org/committees/security',
        'user-agent': 'gatehouse',
      },
      body: envelope,
    },
    isInternal ? LIMITS : { ...LIMITS, dispatcher: (internet ??= publicHostsOnly()) },
  )
  if (answer.status !== 200) throw new Error(`${origin} answers ${answer.status}`)
  return new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes)
}
