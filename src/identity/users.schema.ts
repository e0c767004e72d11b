import { z } from 'zod'

const userSchema = z.strictObject({
  username: z
    .string()
    .min(1)
    .max(128)
    .describe('Name to sign in with; compared without regard to case and Unicode form.'),
  id: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Immutable id; the username where absent. Set it before renaming someone.'),
  password: z
    .string()
    .startsWith('$argon2', 'write the hash that `gatehouse hash-password` prints, not the password')
    .describe('argon2id hash from `gatehouse hash-password`.'),
  groups: z.array(z.string().min(1)).default([]).describe('Groups that policies and headers may name.'),
  attributes: z
    .record(
      z.string(),
      z.union([z.string(), z.array(z.string())]).transform((value) => (typeof value === 'string' ? [value] : value)),
    )
    .prefault({})
    .describe('Attributes, each a text or a list of texts: `displayName`, `mail` …'),
  totp: z
    .string()
    .regex(/^[A-Z2-7]{16,128}$/, 'write it in Base32: A to Z and 2 to 7, at least 16 characters')
    .optional()
    .describe(
      'Secret of an authenticator app (RFC 6238) in Base32, for demonstrations and tests. It counts as set up; what people set up themselves is in the store.',
    ),
  disabled: z.boolean().default(false).describe('A disabled user cannot sign in, and their sessions end.'),
  demo: z
    .boolean()
    .default(false)
    .describe('A published demonstration user: `serve` accepts it only while it listens on loopback.'),
})

export const usersFileSchema = z.strictObject({
  users: z.array(userSchema).prefault([]).describe('The users of this realm.'),
})

export type UserConfig = z.infer<typeof userSchema>
