import { loadPackageDefinition, type GrpcObject, type ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'

/** The request that Envoy asks about, as far as it is read here. */
export interface CheckRequest {
  readonly attributes?: {
    readonly source?: { readonly address?: { readonly socketAddress?: { readonly address?: string } } }
    readonly request?: {
      readonly http?: {
        readonly method?: string
        /** In lower case; those that came twice are joined. */
        readonly headers?: Readonly<Record<string, string>>
        /** With the query. */
        readonly path?: string
        readonly host?: string
        readonly scheme?: string
      }
    }
  }
}

/** One header; set in place of what is there, unless it is appended. */
export interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string }
  readonly append: { readonly value: boolean }
}

export interface CheckResponse {
  /** `google.rpc.Code`. */
  readonly status: { readonly code: number }
  readonly okResponse?: {
    readonly headers: readonly HeaderOption[]
    readonly headersToRemove: readonly string[]
    /** For the client. */
    readonly responseHeadersToAdd: readonly HeaderOption[]
  }
  readonly deniedResponse?: {
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderOption[]
    readonly body: string
  }
}

const OPTION = {
  HeaderValue: { fields: { key: field(1), value: field(2) } },
  HeaderValueOption: { fields: { header: field(1, 'HeaderValue'), append: field(2, 'BoolValue') } },
  BoolValue: { fields: { value: field(1, 'bool') } },
}

function field(id: number, type = 'string', rule?: 'repeated') {
  return { id, type, ...(rule === undefined ? {} : { rule }) }
}

/**
 * `envoy/service/auth/v3/external_auth.proto` and what it uses, reduced to the fields that are read and written here; others are skipped
 * (Protocol Buffers, "Unknown Fields").
 */
const MESSAGES = {
  ...OPTION,
  CheckRequest: { fields: { attributes: field(1, 'AttributeContext') } },
  AttributeContext: { fields: { source: field(1, 'Peer'), request: field(4, 'Request') } },
  Peer: { fields: { address: field(1, 'Address') } },
  Address: { fields: { socketAddress: field(1, 'SocketAddress') } },
  SocketAddress: { fields: { address: field(2) } },
  Request: { fields: { http: field(2, 'HttpRequest') } },
  HttpRequest: {
    fields: {
      method: field(2),
      headers: { keyType: 'string', ...field(3) },
      path: field(4),
      host: field(5),
      scheme: field(6),
    },
  },
  CheckResponse: {
    fields: {
      status: field(1, 'Status'),
      deniedResponse: field(2, 'DeniedHttpResponse'),
      okResponse: field(3, 'OkHttpResponse'),
    },
  },
  Status: { fields: { code: field(1, 'int32') } },
  HttpStatus: { fields: { code: field(1, 'int32') } },
  DeniedHttpResponse: {
    fields: { status: field(1, 'HttpStatus'), headers: field(2, 'HeaderValueOption', 'repeated'), body: field(3) },
  },
  OkHttpResponse: {
    fields: {
      headers: field(2, 'HeaderValueOption', 'repeated'),
      headersToRemove: field(5, 'string', 'repeated'),
      responseHeadersToAdd: field(6, 'HeaderValueOption', 'repeated'),
    },
  },
  Authorization: { methods: { Check: { requestType: 'CheckRequest', responseType: 'CheckResponse' } } },
}

const ROOT = {
  nested: { envoy: { nested: { service: { nested: { auth: { nested: { v3: { nested: MESSAGES } } } } } } } },
}

/** The service with its one method, `Check`. */
export function authorizationService(): ServiceDefinition {
  let found: unknown = loadPackageDefinition(fromJSON(ROOT as Parameters<typeof fromJSON>[0]))
  for (const name of ['envoy', 'service', 'auth', 'v3', 'Authorization']) found = (found as GrpcObject)[name]
  return (found as { readonly service: ServiceDefinition }).service
}
