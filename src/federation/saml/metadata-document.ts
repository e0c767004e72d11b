import { readXml, type XmlElement, type XmlLimits } from '../../http/xml.ts'
import { childrenOf, is } from './document.ts'
import type { Problems } from './metadata-problems.ts'
import { instantOf } from './instant.ts'
import { NS } from './names.ts'
import type { PartnerKey } from './partner-keys.ts'
import { signedAmong } from './signature-shape.ts'
import { verifiedElement } from './verify-signature.ts'

/** A partner, or a federation of some hundred; one of thousands is to be asked for single partners (Metadata Query). */
export const METADATA_LIMITS: XmlLimits = { depth: 24, elements: 60_000, attributes: 64, length: 2_097_152 }

/**
 * The root of a metadata document. With `signers` one of them has to have signed all of it, and what is read is what was signed
 * (SAML Metadata 2.0 §3). Without, a signature is nobody's word and not looked at.
 */
export function readMetadataXml(
  xml: string,
  { signers, now }: { readonly signers: readonly PartnerKey[] | undefined; readonly now: number },
  problems: Problems,
): XmlElement {
  const text = xml.replace(/^\ufeff/, '')
  const reading = readXml(text, METADATA_LIMITS)
  if (reading.kind === 'refused')
    return problems.refuse(reading, `this is no metadata: ${reading.message.replace(/^\d+:\d+: /, '')}`)
  const { root } = reading
  if (!isEntity(root) && !isGroup(root))
    problems.refuse(root, 'this is no metadata of SAML 2.0: its root is no EntityDescriptor')
  if (signers === undefined) return root
  const allowed = [...new Set([root, ...entitiesIn(root).map(({ entity }) => entity)])]
  if (!signedAmong(root, allowed).includes(root)) problems.refuse(root, 'this metadata is not signed as a whole')
  return verifiedElement({ xml: text, signed: root, keys: signers, now, most: METADATA_LIMITS })
}

function isEntity(element: XmlElement): boolean {
  return is(element, NS.metadata, 'EntityDescriptor')
}

function isGroup(element: XmlElement): boolean {
  return is(element, NS.metadata, 'EntitiesDescriptor')
}

interface Found {
  readonly entity: XmlElement
  readonly above: readonly XmlElement[]
}

/** All partners, with the groups that each lies in. */
export function entitiesIn(root: XmlElement, above: readonly XmlElement[] = []): readonly Found[] {
  if (isEntity(root)) return [{ entity: root, above }]
  const within = [...above, root]
  return [
    ...childrenOf(root, NS.metadata, 'EntityDescriptor').map((entity) => ({ entity, above: within })),
    ...childrenOf(root, NS.metadata, 'EntitiesDescriptor').flatMap((group) => entitiesIn(group, within)),
  ]
}

/** The earliest end, and the shortest time to keep it, of all that it lies in. What is over is refused. */
export function expiryOf(
  elements: readonly XmlElement[],
  now: number,
  problems: Problems,
): { readonly validUntil: number | undefined; readonly cacheMs: number | undefined } {
  const ends = elements.flatMap((element) => {
    const text = element.attributes.get('validUntil')
    if (text === undefined) return []
    const at = instantOf(text, 'validUntil')
    if (at <= now) problems.refuse(element, `this metadata is over since ${text}`)
    return [at]
  })
  const kept = elements.flatMap(({ attributes }) => durationOf(attributes.get('cacheDuration')) ?? [])
  return {
    validUntil: ends.length === 0 ? undefined : Math.min(...ends),
    cacheMs: kept.length === 0 ? undefined : Math.min(...kept),
  }
}

const DURATION = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/
const SECONDS = [31_536_000, 2_592_000, 86_400, 3_600, 60, 1] as const

/** Milliseconds of `PT6H` and the like (XML Schema, duration); a month is 30 days. `undefined` for anything else. */
function durationOf(text: string | undefined): number | undefined {
  const parts = DURATION.exec(text ?? '')?.slice(1)
  const ms = parts && SECONDS.reduce((sum, seconds, index) => sum + Number(parts[index] ?? 0) * seconds * 1_000, 0)
  return ms === undefined || ms === 0 || !Number.isSafeInteger(ms) ? undefined : ms
}
