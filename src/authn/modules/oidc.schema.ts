import { z } from 'zod'

export const oidcSchema = z.strictObject({
  type: z.literal('oidc').describe('An OpenID provider says who it is: people are sent there, and come back.'),
  provider: z.string().describe('Which of `identityProviders`.'),
  authLevel: z.number().int().min(0).default(1).describe('Level that a session reaches by it.'),
  acr: z
    .array(z.string().min(1).max(256))
    .max(16)
    .prefault([])
    .describe(
      'What the provider is asked for (`acr_values`), best first. Its answer has to name one of them, or the login is refused.',
    ),
  acrLevels: z
    .record(z.string().min(1).max(256), z.number().int().min(0))
    .prefault({})
    .describe('Levels that a session reaches where the provider names such an `acr`; never less than `authLevel`.'),
  multiFactor: z
    .boolean()
    .default(false)
    .describe(
      'Whether the provider has asked for two factors, which `acr` should demand. Else who began a login with it has to pass another module where a chain or an authentication policy wants a second factor.',
    ),
})

export type OidcConfig = z.infer<typeof oidcSchema>
