import { loadPart } from '../../errors.ts'
import type * as metadata from '../../federation/saml/metadata.schema.ts'
import type { Path } from '../locator.ts'
import { problemAt, warningAt, type Position } from '../problems.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import { errorIn, placeOf, quoted, repeated, type Check, type RealmSources } from './check.ts'

/** SAML partners of each realm: names, and metadata that can be read, problems of it at their places in its own file. */
export const checkSamlPartners: Check = async ({ realms }) => {
  const named = realms.flatMap(namesOf)
  const all = realms.flatMap(partnersOf)
  if (all.length === 0) return named
  const judge = await loadPart('SAML', () => import('../../federation/saml/metadata.schema.ts'))
  return [...named, ...all.flatMap((partner) => metadataProblems(partner, judge))]
}

/** Where a partner's metadata comes from. */
interface MetadataConfig {
  readonly entityId: string
  readonly metadata?: string | undefined
  readonly metadataUrl?: { readonly certificate?: string | undefined } | undefined
}

interface Sourced {
  readonly role: 'sp' | 'idp'
  readonly config: MetadataConfig
  readonly source: SourceDocument
  readonly path: Path
  readonly encrypts: boolean
}

function partnersOf({ clients, realm }: RealmSources): readonly Sourced[] {
  const services = (clients?.value.saml.serviceProviders ?? []).map((config, index) => ({
    ...{ role: 'sp' as const, config, path: ['saml', 'serviceProviders', index], encrypts: config.encrypt },
    source: clients?.source,
  }))
  const providers = Object.entries(realm?.value.identityProviders ?? {}).flatMap(([name, config]) =>
    config.type === 'saml'
      ? [{ role: 'idp' as const, config, path: ['identityProviders', name], encrypts: false, source: realm?.source }]
      : [],
  )
  const elsewhere = realm?.value.ssoProvider
  const sso =
    elsewhere?.type === 'saml'
      ? [{ role: 'idp' as const, config: elsewhere, path: ['ssoProvider'], encrypts: false, source: realm?.source }]
      : []
  return [...services, ...providers, ...sso].flatMap(({ source, ...rest }) =>
    source === undefined ? [] : [{ ...rest, source }],
  )
}

function namesOf({ clients }: RealmSources): readonly ConfigProblem[] {
  if (clients === undefined) return []
  const { source, value } = clients
  const partners = value.saml.serviceProviders
  const ids = [
    ...value.clients.map(({ id }, index) => ({ key: id, source, path: ['clients', index, 'id'] })),
    ...partners.map(({ id }, index) => ({ key: id, source, path: ['saml', 'serviceProviders', index, 'id'] })),
  ]
  const entities = partners.map(({ entityId }, index) => ({
    ...{ key: entityId, source, path: ['saml', 'serviceProviders', index, 'entityId'] },
  }))
  // Policies and logs name OpenID clients and SAML partners alike; two clients of a name are told elsewhere.
  return [...repeated(ids).filter(({ entry }) => entry.path[0] === 'saml'), ...repeated(entities)].map(
    ({ entry, first }) =>
      errorIn(
        source,
        entry.path,
        `partner ${quoted(source, entry.path, entry.key)} is there already (${placeOf(source, first.path)})`,
      ),
  )
}

function metadataProblems(
  partner: Sourced,
  { judgeMetadata, certificateProblem }: typeof metadata,
): readonly ConfigProblem[] {
  const { config, source, path, role, encrypts } = partner
  const certificate = config.metadataUrl?.certificate
  const unusable = certificate === undefined ? undefined : certificateProblem(certificate)
  if (unusable !== undefined) return [errorIn(source, [...path, 'metadataUrl', 'certificate'], unusable)]
  if (config.metadata === undefined) return []
  const place = placeIn(source, [...path, 'metadata'], config.metadata)
  const {
    problems,
    validUntil,
    canEncrypt,
    signsUntil = Infinity,
  } = judgeMetadata(role, config.metadata, config.entityId)
  if (problems.length > 0)
    return problems.map(({ message, offset }) => problemAt(place.file, place.at(offset), message))
  const isOver = validUntil !== undefined && validUntil <= Date.now()
  return [
    ...(isOver
      ? [
          warningAt(
            place.file,
            place.at(0),
            'this metadata is over (validUntil): nobody can sign in there; ask the partner for new',
          ),
        ]
      : []),
    ...(signsUntil < Date.now()
      ? [
          warningAt(
            place.file,
            place.at(0),
            'its certificates have expired: what it signs is refused; ask it for new metadata',
          ),
        ]
      : []),
    ...(encrypts && !canEncrypt
      ? [errorIn(source, [...path, 'encrypt'], 'its metadata has no certificate of an RSA key to encrypt for')]
      : []),
  ]
}

interface Place {
  readonly file: string
  at(offset: number): Position
}

/** In the file that the metadata came from; where it stands in the configuration itself, all of it is one place. */
function placeIn(source: SourceDocument, path: Path, text: string): Place {
  const [file, ...more] = source.filled(path)?.files ?? []
  if (file === undefined || more.length > 0) return { file: source.file, at: () => source.locate(path) }
  return {
    file,
    at(offset) {
      const before = text.slice(0, offset).split('\n')
      return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
    },
  }
}
