import { z } from 'zod'

export const anonymousSchema = z.strictObject({
  type: z
    .literal('anonymous')
    .describe(
      'A session without proof. Asks nothing and passes at once; policies let it in only where they name `AnonymousUsers`, and everything else asks for a login. One a realm.',
    ),
  authLevel: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Level that a session reaches by it. Some chain has to reach more, or nobody could sign in after it.'),
  username: z
    .string()
    .min(1)
    .max(128)
    .default('anonymous')
    .describe('What such people are called. Whoever else has that name cannot sign in.'),
  sessionsPerNetwork: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(300)
    .describe(
      'Sessions that are started from one network (IPv4 address, IPv6 /64) in a quarter of an hour; it takes no more than an address to start one.',
    ),
})

export type AnonymousConfig = z.infer<typeof anonymousSchema>
