import type { XmlElement } from '../../http/xml.ts'
import { childrenOf, is } from './document.ts'
import { entitiesIn, expiryOf, readMetadataXml } from './metadata-document.ts'
import { endpointsIn, type Endpoint } from './metadata-endpoints.ts'
import { keysIn, type RoleKeys } from './metadata-keys.ts'
import { problemsOf, type MetadataProblem, type Problems } from './metadata-problems.ts'
import { NS } from './names.ts'
import type { PartnerKey } from './partner-keys.ts'

/** What both roles have. */
export interface PartnerRole extends RoleKeys {
  readonly logout: readonly Endpoint[]
  /** In the order in which the partner would have them. */
  readonly nameIdFormats: readonly string[]
}

/** A service provider: it asks who somebody is. */
export interface ServiceProvider extends PartnerRole {
  readonly requestsSigned: boolean
  readonly wantsAssertionsSigned: boolean
  /** Where assertions may go; never empty. */
  readonly consumers: readonly Endpoint[]
}

/** An identity provider: it says who somebody is. */
export interface IdentityProvider extends PartnerRole {
  readonly wantsRequestsSigned: boolean
  readonly signOn: readonly Endpoint[]
}

/** A partner as its metadata has it. */
export interface Partner<Role> {
  readonly entityId: string
  /** When it is over, in milliseconds since the epoch; `undefined` where it does not say. */
  readonly validUntil: number | undefined
  /** How long it may be kept before it is read anew, in milliseconds. */
  readonly cacheMs: number | undefined
  readonly role: Role
}

export interface MetadataExpected {
  /** Whose it has to be; the one that is there where absent. */
  readonly entityId: string | undefined
  /** Who has to have signed it; nobody where absent. */
  readonly signers: readonly PartnerKey[] | undefined
  readonly now: number
}

export type MetadataReading<Role> =
  | { readonly kind: 'read'; readonly partner: Partner<Role> }
  /** Everything that is wrong, with its place in the text. */
  | { readonly kind: 'refused'; readonly problems: readonly MetadataProblem[] }

/** Reads metadata of a partner that is to be a service provider here (SAML Metadata 2.0 §2.4.4). */
export function readServiceProvider(xml: string, expected: MetadataExpected): MetadataReading<ServiceProvider> {
  return reading(xml, expected, { name: 'SPSSODescriptor', about: 'service provider', read: serviceProvider })
}

/** The same of one that is to be an identity provider (§2.4.3). */
export function readIdentityProvider(xml: string, expected: MetadataExpected): MetadataReading<IdentityProvider> {
  return reading(xml, expected, { name: 'IDPSSODescriptor', about: 'identity provider', read: identityProvider })
}

interface RoleReader<Role> {
  readonly name: string
  readonly about: string
  readonly read: (element: XmlElement, problems: Problems) => Role
}

function reading<Role>(
  xml: string,
  { entityId, signers, now }: MetadataExpected,
  reader: RoleReader<Role>,
): MetadataReading<Role> {
  const found = problemsOf((problems) => {
    const root = readMetadataXml(xml, { signers, now }, problems)
    const { entity, above } = chosen(root, entityId, problems)
    const id = entity.attributes.get('entityID') ?? ''
    if (id.length > 1_024 || /\s/.test(id) || id === '')
      problems.refuse(entity, 'entityID is empty, too long, or has blanks')
    const roles = childrenOf(entity, NS.metadata, reader.name).filter(speaksSaml2)
    const [role, ...more] = roles
    if (role === undefined) return problems.refuse(entity, `${id} is no ${reader.about} of SAML 2.0`)
    if (more.length > 0) problems.refuse(more[0] ?? entity, `${id} is a ${reader.about} twice`)
    const validity = expiryOf([...above, entity, role], now, problems)
    return { entityId: id, ...validity, role: reader.read(role, problems) }
  })
  return found.kind === 'done' ? { kind: 'read', partner: found.value } : { kind: 'refused', problems: found.problems }
}

interface Chosen {
  readonly entity: XmlElement
  /** What it lies in. */
  readonly above: readonly XmlElement[]
}

/** The one that is meant. Two of the same name, or several where none is named, are nobody. */
function chosen(root: XmlElement, entityId: string | undefined, problems: Problems): Chosen {
  const all = entitiesIn(root)
  const named = all.filter(({ entity }) => entityId === undefined || entity.attributes.get('entityID') === entityId)
  const [one, ...more] = named
  if (one === undefined) {
    const others = all.slice(0, 3).map(({ entity }) => entity.attributes.get('entityID') ?? '')
    return problems.refuse(root, `this is not the metadata of ${entityId ?? 'anybody'}, but of ${others.join(', ')}`)
  }
  if (more.length > 0) {
    const why = entityId === undefined ? `has ${all.length} partners; say which by entityId` : `has ${entityId} twice`
    return problems.refuse(more[0]?.entity ?? root, `this metadata ${why}`)
  }
  return one
}

function speaksSaml2({ attributes }: XmlElement): boolean {
  return (attributes.get('protocolSupportEnumeration') ?? '').split(/\s+/).includes(NS.protocol)
}

function serviceProvider(role: XmlElement, problems: Problems): ServiceProvider {
  const consumers = endpointsIn(role, 'AssertionConsumerService', problems)
  if (consumers.length === 0) problems.note(role, 'no AssertionConsumerService with the binding HTTP-POST')
  return {
    ...common(role, problems),
    requestsSigned: flag(role, 'AuthnRequestsSigned'),
    wantsAssertionsSigned: flag(role, 'WantAssertionsSigned'),
    consumers,
  }
}

function identityProvider(role: XmlElement, problems: Problems): IdentityProvider {
  const signOn = endpointsIn(role, 'SingleSignOnService', problems)
  if (signOn.length === 0) problems.note(role, 'no SingleSignOnService with the binding HTTP-Redirect or HTTP-POST')
  const keys = common(role, problems)
  // Nothing that it says could be believed.
  if (keys.signing.length === 0) problems.note(role, 'no certificate to check its signatures with')
  return { ...keys, wantsRequestsSigned: flag(role, 'WantAuthnRequestsSigned'), signOn }
}

function common(role: XmlElement, problems: Problems): PartnerRole {
  return {
    ...keysIn(role, problems),
    logout: endpointsIn(role, 'SingleLogoutService', problems),
    nameIdFormats: role.children
      .filter((child) => is(child, NS.metadata, 'NameIDFormat'))
      .map(({ text }) => text.trim())
      .filter((format) => format !== ''),
  }
}

function flag({ attributes }: XmlElement, name: string): boolean {
  const value = attributes.get(name)
  return value === 'true' || value === '1'
}
