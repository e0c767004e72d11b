import { z } from 'zod'

/** How an agent of OpenAM's from version 5 on gets its tokens: it sends people to `/oauth2/…/authorize` with `agent_provider=true`. */
export const agentOpenIdSchema = z
  .strictObject({
    signature: z
      .enum(['RS256', 'HS256'])
      .default('RS256')
      .describe(
        'What the agent holds its ID tokens against: `RS256`, a key of `/oauth2/…/connect/jwk_uri`, as agents of AM 7 and later do; `HS256`, its own password, as agents of OpenAM and of AM 5 and 6 do.',
      ),
    password: z
      .string()
      .min(
        32,
        'write at least 32 characters: who has one ID token can try passwords on it without end; `openssl rand -base64 32` makes a good one',
      )
      .max(512)
      .optional()
      .describe('For `HS256`: the password itself, by `${file:PATH}` or `${env:NAME}`. `secret` is its hash.'),
    redirectPath: z
      .string()
      .regex(/^\/[\w./-]{1,200}$/, 'write a path such as /agent/cdsso-oauth2')
      .default('/agent/cdsso-oauth2')
      .describe('Path below `url` that the agent waits at (`com.sun.identity.agents.config.cdsso.redirect.uri`).'),
  })
  .refine(
    ({ signature, password }) => (signature === 'HS256') === (password !== undefined),
    'write the password with HS256, and only there',
  )
  .optional()
  .describe(
    'Hand tokens for `url` to the agent inside of ID tokens (CDSSO of agents from version 5 on, and of the Identity Gateway). Such an agent is an OpenID client of its realm by this profile alone.',
  )

export type AgentOpenIdConfig = NonNullable<z.infer<typeof agentOpenIdSchema>>
