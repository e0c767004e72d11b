import type { XmlElement } from '../../http/xml.ts'
import { childrenOf } from './document.ts'
import type { Problems } from './metadata-problems.ts'
import { BINDINGS, NS } from './names.ts'

export type EndpointBinding = 'redirect' | 'post' | 'soap'

export interface Endpoint {
  readonly binding: EndpointBinding
  readonly location: string
  /** Where answers go, if not there. */
  readonly responseLocation: string | undefined
  readonly index: number | undefined
  readonly isDefault: boolean
}

type Service = 'AssertionConsumerService' | 'SingleSignOnService' | 'SingleLogoutService'

/** An assertion does not fit into an address. */
const SPOKEN: Readonly<Record<Service, readonly EndpointBinding[]>> = {
  AssertionConsumerService: ['post'],
  SingleSignOnService: ['redirect', 'post'],
  SingleLogoutService: ['redirect', 'post', 'soap'],
}

/** Those with a binding that is spoken here. All have to be addresses that somebody may be sent to (CVE-2023-45683, CVE-2023-6717). */
export function endpointsIn(role: XmlElement, service: Service, problems: Problems): readonly Endpoint[] {
  const seen = new Set<string>()
  return childrenOf(role, NS.metadata, service).flatMap((element) => {
    const { attributes } = element
    const location = attributes.get('Location') ?? ''
    const responseLocation = attributes.get('ResponseLocation')
    const binding = SPOKEN[service].find((each) => BINDINGS[each] === attributes.get('Binding'))
    for (const address of new Set([location, responseLocation ?? location])) {
      if (!isEndpointAddress(address))
        problems.note(element, `${service}: its address has to begin with https (http is for this very machine alone)`)
    }
    if (binding === undefined) return []
    const index = attributes.get('index')
    if (index !== undefined && (!/^\d{1,5}$/.test(index) || seen.has(index)))
      problems.note(element, `${service}: its index is no number, or another has it`)
    if (index !== undefined) seen.add(index)
    const isDefault = ['true', '1'].includes(attributes.get('isDefault') ?? '')
    return [{ binding, location, responseLocation, isDefault, index: index === undefined ? undefined : Number(index) }]
  })
}

/** https, or http on this machine; nothing else that a browser could be given. */
export function isEndpointAddress(text: string): boolean {
  // Blanks and control characters vanish when a browser reads an address (`java\nscript:`).
  const url = /^[\x21-\x7e]{1,2000}$/.test(text) ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.password !== '' || text.includes('#')) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

function isLoopback(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost')
}
