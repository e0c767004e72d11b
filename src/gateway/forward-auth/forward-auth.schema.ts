import { z } from 'zod'
import { addressOrNetwork, listenerSchema } from '../../http/listener.schema.ts'

/** Decisions for a proxy that forwards by itself. */
export const forwardAuthSchema = listenerSchema.extend({
  trustedProxies: z
    .array(addressOrNetwork)
    .min(1)
    .default(['127.0.0.1', '::1'])
    .describe(
      'Addresses or networks of the proxies that may ask. What anybody else says of a request is not believed.',
    ),
  grpc: listenerSchema
    .optional()
    .describe(
      'Where Envoy asks by gRPC (`envoy.service.auth.v3`). Proxies, secret and rules are the same. Changes take a restart, certificates included, and TLS is 1.2 or newer whatever `minVersion` says.',
    ),
  secret: z
    .string()
    .min(32, 'write 32 characters at least, by chance: `openssl rand -hex 32`')
    .max(256)
    .optional()
    .describe(
      'What a proxy sends in `X-Gatehouse-Proxy-Secret`; usually `${file:…}`. Where the listener is not on loopback, this or `tls.clientCertificates.required` has to be there.',
    ),
})

export type ForwardAuthConfig = z.infer<typeof forwardAuthSchema>
