import { z } from 'zod'
import { agentOpenIdSchema } from './agent-openid.schema.ts'
import { hashedSecret, ownCertificates, ownNetworks } from '../http/program-credentials.schema.ts'

/** How one of OpenAM's own agents, or another program that speaks its REST, proves which agent it is, and what it is served. */
export const openAmAgentSchema = z
  .strictObject({
    secret: hashedSecret.describe(
      "argon2id hash of the agent's password, by `${file:PATH}` or `${env:NAME}`. The agent sends it with its id as `X-OpenAM-Username` and `X-OpenAM-Password` to `/json/authenticate`.",
    ),
    certificates: ownCertificates,
    networks: ownNetworks.describe(
      'Addresses and networks that the agent may sign in from, and from where alone its tokens are validated for who does not say which agent it is. Everywhere where absent.',
    ),
    cdcservlet: z
      .boolean()
      .default(false)
      .describe(
        'Hand tokens for `url` to the agent by `/cdcservlet` (CDSSO of OpenAM 13 and older: an unsigned form in the browser). Only for agents that cannot do better; see docs/rest.md.',
      ),
    oidc: agentOpenIdSchema,
    notifications: z
      .boolean()
      .default(false)
      .describe(
        'Tell the agent that a session has ended by a POST to an address below `url` that it names (`AddSessionListener`), as agents without WebSocket ask for. Without it such an agent believes what it has found out for as long as its cache does.',
      ),
  })
  .refine(
    ({ secret, certificates }) => (secret === undefined) !== (certificates === undefined),
    'give it either a secret or certificates',
  )
  .optional()
  .describe(
    "The agent has credentials of its own: it may have sessions of its realm validated and policies of its realm evaluated, and may listen for the ends of sessions. Without `upstream` it protects the site itself, with OpenAM's agent in front of or inside of the application.",
  )
