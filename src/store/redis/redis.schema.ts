import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { isPair, pemCertificates, pemKey } from '../../base/pem.schema.ts'
import { parseAddress, parseStoreUrl } from './store-url.ts'

const tlsSchema = z
  .strictObject({
    ca: pemCertificates
      .optional()
      .describe("PEM certificates of the authorities that signed the servers'; the system's without it."),
    cert: pemCertificates.optional().describe('PEM client certificate; usually `${file:…}`.'),
    key: pemKey.optional().describe('PEM key of the client certificate; usually `${file:…}`.'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe("Name that the servers' certificates must carry, where servers are reached by address."),
    sentinels: z.boolean().default(true).describe('Speak TLS with the sentinels, too.'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key belong together: set both')
  .refine(
    ({ cert, key }) => cert === undefined || key === undefined || isPair({ cert, key }),
    'the key is not the one of the certificate',
  )

const address = z
  .string()
  .refine((text) => parseAddress(text) !== undefined, 'write host:port')
  .describe('`host:port`.')

export const storeUrl = z.string().superRefine((url, context) => {
  const parsed = parseStoreUrl(url)
  if (parsed.kind === 'malformed') context.addIssue({ code: 'custom', message: parsed.why })
})

const text = z.string().min(1)

export const redisSchema = z
  .strictObject({
    mode: z
      .enum(['standalone', 'sentinel', 'cluster'])
      .default('standalone')
      .describe('One server, a primary that sentinels watch, or a cluster.'),
    nodes: z
      .array(address)
      .default([])
      .describe('The server, the sentinels, or members of the cluster to ask first. Not with `url`.'),
    primary: text.optional().describe('What the sentinels call the primary.'),
    username: text.optional().describe('ACL user.'),
    password: text
      .optional()
      .describe('Its password, or the one of `requirepass`; only through `${env:…}` or `${file:…}`.'),
    sentinelUsername: text.optional().describe('ACL user at the sentinels.'),
    sentinelPassword: text.optional().describe('Password at the sentinels; only through `${env:…}` or `${file:…}`.'),
    database: z.number().int().min(0).max(9_999).default(0).describe('Number of the database; a cluster has only 0.'),
    keyPrefix: z
      .string()
      .regex(/^[A-Za-z0-9:._-]{0,64}$/, 'write letters, digits and : . _ - only')
      .default('gh:')
      .describe('What the name of every key begins with.'),
    tls: tlsSchema.optional().describe('Speak TLS. With a `rediss` URL it is there without this.'),
    timeout: duration('1s').describe('How long a command may take before it is given up and the connection made anew.'),
    replicas: z
      .union([z.literal('auto'), z.number().int().min(0).max(9)])
      .default('auto')
      .describe(
        'Replicas that must have a write before it is answered. `auto`: one with Sentinel; otherwise one where the primary has any.',
      ),
  })
  .refine(({ mode, nodes }) => mode !== 'standalone' || nodes.length <= 1, {
    path: ['nodes'],
    message: 'several nodes need mode: sentinel or mode: cluster',
  })
  .refine(({ mode, nodes, primary }) => mode !== 'sentinel' || nodes.length === 0 || primary !== undefined, {
    path: ['mode'],
    message: 'set primary: the name by which the sentinels know it',
  })
  .refine(({ mode, database }) => mode !== 'cluster' || database === 0, {
    path: ['database'],
    message: 'a cluster has only database 0',
  })

export type RedisConfig = z.infer<typeof redisSchema>
