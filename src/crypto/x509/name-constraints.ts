import type { OctetString } from 'asn1js'
import { AltName, NameConstraints, type GeneralName, type GeneralSubtree, type RelativeDistinguishedNames } from 'pkijs'
import { EXTENSION, hex, parsed, type Certificate } from './certificate.ts'
import { foldedRdns, subjectValues } from './subject.ts'

/** The kinds of GeneralName (RFC 5280 §4.2.1.6) that can be judged. */
const KIND = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'

type Name = Pick<GeneralName, 'type'> & { readonly value: unknown }

/**
 * Whether all names of a certificate are such as an authority above it may give (RFC 5280 §4.2.1.10). To be asked of each authority on the
 * path by itself: all have to agree, so that none lets those below it name more than it may itself (§6.1.4 (g)). A name that cannot be
 * judged is refused where its kind is limited.
 */
export function mayName(authority: Certificate, certificate: Certificate): boolean {
  try {
    const limits = parsed(authority.asn1, EXTENSION.nameConstraints, NameConstraints)
    if (limits === undefined) return true
    const { permittedSubtrees = [], excludedSubtrees = [] } = limits
    return namesOf(certificate).every((name) => {
      const permitted = permittedSubtrees.filter(({ base }) => base.type === name.type)
      const excluded = excludedSubtrees.filter(({ base }) => base.type === name.type)
      return (
        (permitted.length === 0 || permitted.some((tree) => isWithin(name, tree) === true)) &&
        excluded.every((tree) => isWithin(name, tree) === false)
      )
    })
  } catch {
    // A limit or a name that cannot be read.
    return false
  }
}

/** Those of the subject among them: an e-mail address there counts as one, beside whatever alternative names there are. */
function namesOf(certificate: Certificate): readonly Name[] {
  const names: Name[] = [...(parsed(certificate.asn1, EXTENSION.subjectAltName, AltName)?.altNames ?? [])]
  const { subject } = certificate.asn1
  if (subject.typesAndValues.length > 0) names.push({ type: KIND.directory, value: subject })
  const isNamed = subject.typesAndValues.some(({ type }) => type === EMAIL_ADDRESS)
  const addresses = isNamed ? (subjectValues(certificate, EMAIL_ADDRESS) ?? [undefined]) : []
  return [...names, ...addresses.map((value) => ({ type: KIND.email, value }))]
}

/** `undefined` where that cannot be said. */
function isWithin({ type, value }: Name, { base, minimum, maximum }: GeneralSubtree): boolean | undefined {
  if (minimum !== 0 || maximum !== undefined) return undefined
  const limit: unknown = base.value
  switch (type) {
    case KIND.email:
      return typeof value === 'string' && typeof limit === 'string' ? isMailbox(value, limit) : undefined
    case KIND.dns:
      return typeof value === 'string' && typeof limit === 'string' ? isHost(value, limit, true) : undefined
    case KIND.uri:
      return typeof value === 'string' && typeof limit === 'string' ? isHost(hostOf(value), limit, false) : undefined
    case KIND.directory:
      return isInDirectory(value as RelativeDistinguishedNames, limit as RelativeDistinguishedNames)
    case KIND.ip:
      return isInNetwork(bytesOf(value), bytesOf(limit))
    default:
      return undefined
  }
}

/** One mailbox, all of one host, or all of the hosts below a domain. */
function isMailbox(name: string, limit: string): boolean | undefined {
  const at = name.lastIndexOf('@')
  if (at < 1) return undefined
  const limitAt = limit.lastIndexOf('@')
  const within = isHost(name.slice(at + 1), limit.slice(limitAt + 1), false)
  return limitAt === -1 || within !== true ? within : name.slice(0, at) === limit.slice(0, limitAt)
}

const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

/** `.domain`: the hosts below it. `withBelow`: `domain` stands for those as well. */
function isHost(name: string, limit: string, withBelow: boolean): boolean | undefined {
  const [host, domain] = [name.toLowerCase(), limit.toLowerCase()]
  const isBelow = domain.startsWith('.')
  if (!HOST.test(host) || !HOST.test(isBelow ? domain.slice(1) : domain)) return undefined
  if (isBelow) return host.endsWith(domain)
  return host === domain || (withBelow && host.endsWith(`.${domain}`))
}

function hostOf(uri: string): string {
  return URL.parse(uri)?.hostname ?? ''
}

function isInDirectory(name: RelativeDistinguishedNames, limit: RelativeDistinguishedNames): boolean | undefined {
  const [own, above] = [name, limit].map(({ valueBeforeDecode }) => foldedRdns(hex(new Uint8Array(valueBeforeDecode))))
  return own && above && above.every((rdn, i) => own[i] === rdn)
}

/** Address and mask, as long as the name each. */
function isInNetwork(name: Uint8Array, limit: Uint8Array): boolean | undefined {
  const isAddress = (length: number): boolean => length === 4 || length === 16
  if (!isAddress(name.length) || !isAddress(limit.length / 2)) return undefined
  if (limit.length !== 2 * name.length) return false
  return name.every((byte, i) => ((byte ^ (limit[i] ?? 0)) & (limit[i + name.length] ?? 0xff)) === 0)
}

function bytesOf(value: unknown): Uint8Array {
  return (value as OctetString).valueBlock.valueHexView
}
