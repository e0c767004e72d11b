import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'

function isMetadataAddress(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || url.protocol === 'http:'
}

export const entityId = z
  .string()
  .min(1)
  .max(1_024)
  .regex(/^[\x21-\x7e]+$/, 'write the entity id as the metadata has it: no blanks')

/** Where a SAML partner's metadata comes from: the text itself, or its address. For partners of both kinds. */
export const metadataFields = {
  entityId: entityId.describe(
    'What the partner calls itself (`entityID`); its metadata has to be of exactly this one.',
  ),
  metadata: z
    .string()
    .min(1)
    .optional()
    .describe('Its metadata, usually `${file:PATH}`: a file that is read again when it changes.'),
  metadataUrl: z
    .strictObject({
      url: z
        .string()
        .max(2_000)
        .refine(isMetadataAddress, 'write a whole address, such as https://sp.example.com/metadata')
        .describe('The address. It is asked for nothing but this document, and no redirect is followed.'),
      refresh: duration('6h')
        .refine((ms) => ms >= 60_000, 'at least 1m')
        .describe('How long it is kept at most; its own `cacheDuration` counts where it is shorter.'),
      certificate: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Who has to have signed it, as PEM, usually `${file:…}`. Without it whoever answers at the address is believed, which https alone vouches for.',
        ),
      internal: z
        .boolean()
        .default(false)
        .describe(
          'Whether the address may be inside this network, and http. Else only hosts on the internet are asked.',
        ),
    })
    .optional()
    .describe('Or where it is published.'),
} as const

interface Sourced {
  readonly metadata?: string | undefined
  readonly metadataUrl?: { readonly url: string; readonly internal: boolean } | undefined
}

/** What is wrong with where a partner's metadata comes from; `undefined` for nothing. */
export function sourceProblem({
  metadata,
  metadataUrl,
}: Sourced): { readonly path: string; readonly message: string } | undefined {
  if ((metadata === undefined) === (metadataUrl === undefined))
    return { path: 'metadata', message: 'set metadata or metadataUrl, one of them' }
  if (metadataUrl !== undefined && !metadataUrl.internal && metadataUrl.url.startsWith('http:'))
    return { path: 'metadataUrl', message: 'use https; http is for addresses inside this network (internal: true)' }
  return undefined
}
