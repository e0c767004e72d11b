import { z } from 'zod'

/** How a client of a provider elsewhere proves itself without a secret (RFC 7523). */
export const clientKeyFields = {
  clientKey: z
    .string()
    .startsWith('-----BEGIN PRIVATE KEY-----', 'write a PKCS#8 key in PEM: `${file:PATH}`')
    .optional()
    .describe('Or a private key, PKCS#8 in PEM, by which the gateway proves itself (`private_key_jwt`).'),
  clientKeyId: z.string().min(1).max(128).optional().describe('The `kid` under which it knows that key.'),
  clientKeyAlgorithm: z
    .enum(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .default('ES256')
    .describe('What the key signs with.'),
}
