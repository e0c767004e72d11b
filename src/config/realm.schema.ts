import { z } from 'zod'
import { zeroPageSchema } from '../api/openam/authenticate/zero-page.schema.ts'
import { authnSchema } from '../authn/chains.schema.ts'
import { origin } from '../gateway/agent-profile.schema.ts'
import { ssoProviderSchema } from '../federation/cdsso/sso-provider.schema.ts'
import { providersSchema } from '../federation/identity-providers.schema.ts'
import { directorySchema } from '../identity/directory.schema.ts'
import { passwordRulesSchema } from '../identity/managed/passwords.schema.ts'
import { lookSchema } from '../portal/look.schema.ts'
import { sessionRulesSchema } from '../session/session-rules.schema.ts'
import { tokensSchema } from '../session/tokens.schema.ts'

/** realms/…/realm.yaml: one administrative partition. Its name is its folder's path. */
export const realmSchema = z.strictObject({
  look: lookSchema.describe("How the realm's pages look."),
  directory: directorySchema.describe('Who the people of the realm are.'),
  passwords: passwordRulesSchema.describe(
    'What passwords people may choose, where they change them here: managed users, and those of LDAP with `passwordChange`, for whom `history` and `maxAge` are the server’s.',
  ),
  authentication: authnSchema.describe('How people of the realm prove who they are.'),
  identityProviders: providersSchema.describe(
    'OpenID and SAML providers that people of the realm sign in by, by name. A module of type `oidc` or `saml` leads to each.',
  ),
  ssoProvider: ssoProviderSchema.describe(
    'For a gateway without users of its own: the people of the realm are those of an OpenID or SAML provider elsewhere, usually another Gatehouse. Its sites sign in there, whatever their `sso` says, and nobody signs in at this process. See docs/cdsso.md.',
  ),
  zeroPageLogin: zeroPageSchema.describe('Logins of programs in one call, as OpenAM calls it.'),
  session: sessionRulesSchema.describe('How long its sessions live.'),
  tokens: tokensSchema.describe('Access and refresh tokens, for programs.'),
  administrators: z
    .array(z.string().min(1))
    .prefault([])
    .describe(
      'Groups of this realm whose members may see and end the sessions of the realm and of the realms below it. Nobody by default.',
    ),
  goto: z
    .array(origin)
    .prefault([])
    .describe("Origins besides the realm's own sites where people may be sent after login or logout."),
})

export type RealmFile = z.infer<typeof realmSchema>
