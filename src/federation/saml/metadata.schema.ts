import { readIdentityProvider, readServiceProvider, type MetadataReading } from './metadata.ts'
import type { MetadataProblem } from './metadata-problems.ts'
import type { PartnerRole } from './metadata.ts'
import { readPartnerKey } from './partner-keys.ts'

/** What metadata in a configuration is judged by: more than a schema of its fields could say, and its own places. */
export interface JudgedMetadata {
  readonly problems: readonly MetadataProblem[]
  /** Milliseconds since the epoch; `undefined` where it does not say. */
  readonly validUntil: number | undefined
  readonly canEncrypt: boolean
  /** Until when any of its certificates for signatures is valid; `undefined` where it has none. */
  readonly signsUntil: number | undefined
}

/** Metadata of a partner in that role, of exactly this entity id. One that is over is none that cannot be read. */
export function judgeMetadata(role: 'sp' | 'idp', xml: string, entityId: string): JudgedMetadata {
  const expected = { entityId, signers: undefined, now: -Infinity }
  const reading: MetadataReading<PartnerRole> =
    role === 'sp' ? readServiceProvider(xml, expected) : readIdentityProvider(xml, expected)
  if (reading.kind === 'refused')
    return { problems: reading.problems, validUntil: undefined, canEncrypt: false, signsUntil: undefined }
  const { validUntil, role: read } = reading.partner
  const ends = read.signing.map(({ notAfter }) => notAfter)
  const signsUntil = ends.length === 0 ? undefined : Math.max(...ends)
  return { problems: [], validUntil, canEncrypt: read.encryption.length > 0, signsUntil }
}

/** Why a certificate cannot be used; `undefined` for a good one. */
export function certificateProblem(certificate: string): string | undefined {
  const read = readPartnerKey(certificate)
  return typeof read === 'string' ? read : undefined
}
