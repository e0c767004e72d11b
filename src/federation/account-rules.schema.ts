import { z } from 'zod'

const attributeName = z.string().regex(/^[a-zA-Z][\w-]{0,63}$/)
export const claimName = z.string().min(1).max(256)

/** What providers of all kinds have: how people find them, and who of the directory their people are. */
export const accountFields = {
  title: z.string().min(1).max(64).describe('What people call it: the label of its button.'),
  link: z
    .strictObject({
      claim: claimName.describe(
        'The claim that names the user, such as `sub`. `email` counts where the provider has verified it, and never else.',
      ),
      is: attributeName.describe(
        'What it is of the user: `id`, `username` or an attribute. It must be equal, and of one user alone. Of several providers each needs an attribute of its own.',
      ),
    })
    .optional()
    .describe(
      'Who of the directory somebody is. Where it goes by `sub` it is asked at each login; else at the first, and from then on they are known by issuer and `sub`, whatever else of them changes.',
    ),
  create: z
    .strictObject({
      username: claimName
        .default('email')
        .describe('The claim that becomes the name. `email` only where it is verified.'),
      attributes: z
        .record(attributeName, claimName)
        .prefault({})
        .describe('Claims that become attributes, kept as the provider says at each login.'),
      groups: z
        .strictObject({
          claim: claimName.describe('The claim with the groups: a list of texts.'),
          map: z
            .record(z.string(), z.string().min(1).max(128))
            .describe('Which group here each of them is. What is not listed is none.'),
        })
        .optional()
        .describe('Claims that become groups, kept as the provider says at each login.'),
    })
    .optional()
    .describe(
      'Whoever is nobody of the directory becomes a managed user (`directory: { type: managed }`). Off by default.',
    ),
  properties: z.record(attributeName, claimName).prefault({}).describe('Claims that become properties of the session.'),
  domains: z
    .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'write a domain in small letters'))
    .max(200)
    .prefault([])
    .describe('Domains of e-mail addresses whose people sign in by it: the login page asks for the address.'),
  atOnce: z
    .boolean()
    .default(false)
    .describe('Where it is the only way to sign in, people go there without seeing a page of ours.'),
} as const

export const NOBODY = 'nobody is anybody here without `link` or `create`'

export function isSomebody({ link, create }: Pick<AccountRules, 'link' | 'create'>): boolean {
  return link !== undefined || create !== undefined
}

const rules = z.object(accountFields)
export type AccountRules = z.infer<typeof rules>
