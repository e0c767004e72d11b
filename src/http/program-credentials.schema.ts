import { z } from 'zod'
import { pemCertificates } from '../base/pem.schema.ts'
import { addressOrNetwork } from './listener.schema.ts'

/** The hash of a program's secret, which is never in the configuration itself. */
export const hashedSecret = z
  .string()
  .startsWith('$argon2', 'write the hash that `gatehouse hash-password` prints, not the secret')
  .optional()

/** Certificates that a program has for itself. */
export const ownCertificates = z
  .array(pemCertificates)
  .min(1)
  .max(10)
  .optional()
  .describe(
    'Or its own certificates in PEM, one of which it shows: by mutual TLS to a listener with `clientCertificates`, or through a trusted proxy (`clientCertificateHeader`).',
  )

/** Where a program may be. */
export const ownNetworks = z.array(addressOrNetwork).min(1).optional()
