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
      ca: pemCertificates
        .optional()
        .describe(
          'PEM certificates of the authorities that browsers are told, so that they offer only certificates that may do; without it they offer all.',
        ),
      required: z
        .boolean()
        .default(false)
        .describe(
          'Cut the connection of a client that shows none that `ca` has issued. Otherwise the module `x509` of a realm judges it, and says on a page what is wrong.',
        ),
    })
    .refine(({ ca, required }) => ca !== undefined || !required, 'name the authorities (`ca`) where one is required')
    .optional()
    .describe('Ask clients for a certificate. Connections are never resumed then, so that each shows it anew.'),
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

export const clientCertificateHeaderSchema = z
  .strictObject({
    format: z
      .enum(['rfc9440', 'nginx', 'xfcc'])
      .describe(
        '`rfc9440`: `Client-Cert` and `Client-Cert-Chain`. `nginx`: the value of `$ssl_client_escaped_cert`. `xfcc`: Envoy’s `X-Forwarded-Client-Cert` with `Cert` or `Chain`; the last element counts.',
      ),
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,63}$/, 'write the header in small letters')
      .optional()
      .describe(
        'Another header name than `client-cert`, for nginx `x-ssl-client-cert`, and for Envoy `x-forwarded-client-cert`.',
      ),
  })
  .optional()
  .describe(
    'The header in which a proxy of `trustedProxies` names the certificate that its client has shown. The proxy must always set or remove it; from everybody else it is ignored.',
  )

export type ClientCertificateHeader = NonNullable<z.infer<typeof clientCertificateHeaderSchema>>
