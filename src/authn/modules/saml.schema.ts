import { z } from 'zod'

const contextClass = z.string().regex(/^[\x21-\x7e]{1,256}$/, 'write a URI, without blanks')

export const samlSchema = z.strictObject({
  type: z.literal('saml').describe('A SAML identity provider says who it is: people are sent there, and come back.'),
  provider: z.string().describe('Which of `identityProviders`, one of type `saml`.'),
  authLevel: z.number().int().min(0).default(1).describe('Level that a session reaches by it.'),
  authnContext: z
    .array(contextClass)
    .max(16)
    .prefault([])
    .describe(
      'Classes that the provider is asked for (RequestedAuthnContext, `exact`), best first. Its answer has to name one of them, or the login is refused.',
    ),
  authnContextLevels: z
    .record(contextClass, z.number().int().min(0))
    .prefault({})
    .describe('Levels that a session reaches where the answer is of such a class; never less than `authLevel`.'),
  passive: z
    .boolean()
    .default(false)
    .describe('Asks nobody anything (IsPassive): who is not signed in at the provider does not pass.'),
  multiFactor: z
    .boolean()
    .default(false)
    .describe(
      'Whether the provider has asked for two factors, which `authnContext` should demand. Else who began a login with it has to pass another module where a chain or an authentication policy wants a second factor.',
    ),
})

export type SamlConfig = z.infer<typeof samlSchema>
