import { z } from 'zod'
import { isPair, pemCertificates, pemKey } from '../base/pem.schema.ts'

const certificate = z
  .strictObject({
    cert: pemCertificates.describe('PEM certificate chain, the leaf first; usually `${file:…}`.'),
    key: pemKey.describe('PEM private key; usually `${file:…}`.'),
  })
  .refine(isPair, 'the key is not the one of the certificate')

const tls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1)
    .describe(
      'One entry a certificate; chosen by the names in it (SNI). The first also answers clients that send no name. Read again on reload.',
    ),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest protocol version that is accepted.'),
  clientCertificates: z
    .strictObject({
      ca: pemCertificates.describe('PEM certificates of the authorities whose client certificates are accepted.'),
      required: z.boolean().default(false).describe('Refuse the connection of a client that shows none.'),
    })
    .optional()
    .describe('Ask clients for a certificate.'),
})

export const listenerSchema = z.strictObject({
  address: z.string().min(1).default('127.0.0.1').describe('Address to listen on; `0.0.0.0` or `::` for all.'),
  port: z.number().int().min(0).max(65_535).describe('Port to listen on; 0 picks a free one.'),
  tls: tls.optional().describe('Speak TLS; plain http without it.'),
})

export type ListenerConfig = z.infer<typeof listenerSchema>

/** An IP address or a network of them. */
export const addressOrNetwork = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'write an IP address or a network such as 10.0.0.0/8',
)

export const trustedProxiesSchema = z
  .array(addressOrNetwork)
  .default([])
  .describe('Addresses or networks of proxies in front whose `X-Forwarded-*` is believed. Empty: nobody is.')
