import { Metadata, type Client, type ServiceDefinition } from '@grpc/grpc-js'
import { authorizationService, type CheckRequest, type CheckResponse } from './protocol.ts'

/** A request as Envoy tells of it. */
export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly secret?: string
}

/** One question of Envoy about a client at 198.51.100.7. */
export function check(client: Client, { secret, headers = {}, ...asked }: Asked): Promise<CheckResponse> {
  const { Check } = authorizationService() as ServiceDefinition & { readonly Check: ServiceDefinition[string] }
  const http = {
    method: 'GET',
    path: '/x',
    host: 'app.test',
    scheme: 'http',
    headers: { ':path': '/x', ...headers },
    ...asked,
  }
  const address = { socketAddress: { address: '198.51.100.7' } }
  const question: CheckRequest = { attributes: { source: { address }, request: { http } } }
  const metadata = new Metadata()
  if (secret !== undefined) metadata.set('x-gatehouse-proxy-secret', secret)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      Check.path,
      (message: CheckRequest) => Check.requestSerialize(message),
      (bytes) => Check.responseDeserialize(bytes) as CheckResponse,
      question,
      metadata,
      (error, answer) => {
        if (answer !== undefined) resolve(answer)
        else reject(error ?? new Error('no answer'))
      },
    )
  })
}
