import { z } from 'zod'
import type { RealmName } from './brand.ts'

/** A canonical realm path. */
export const realmName = z
  .string()
  .regex(
    /^\/([a-z0-9][a-z0-9-]{0,62}(\/[a-z0-9][a-z0-9-]{0,62})*)?$/,
    'write the realm as a path in lower case: / or /employees/contractors',
  )
  .transform((text) => text as RealmName)
