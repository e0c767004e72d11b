import { z } from 'zod'
import { openIdProviderSchema } from './oidc-rp/providers.schema.ts'
import { samlProviderSchema } from './saml-sp/providers.schema.ts'

/** Providers that people of a realm sign in by. */
export const providersSchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'write small letters, digits and dashes'),
    z.discriminatedUnion('type', [openIdProviderSchema, samlProviderSchema]),
  )
  .prefault({})

/** Properties that sessions have of us: a claim must not pass for them. */
export const MARKS_OF_OURS: ReadonlySet<string> = new Set(['oidc', 'saml', 'Service', 'assertedBy', 'groupsAtLogin'])
