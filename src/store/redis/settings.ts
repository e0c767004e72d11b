/** A server to ask. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface TlsSettings {
  /** PEM. The system's authorities when absent. */
  readonly ca?: string | undefined
  /** PEM, with `key`: a client certificate. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name the servers' certificates are checked against, where they are reached by address. */
  readonly serverName?: string | undefined
}

export interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** How to reach Redis, from configuration or STORE_URL. */
export interface RedisSettings extends Credentials {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** The server, the sentinels, or members of the cluster to ask first. */
  readonly nodes: readonly Address[]
  /** What the sentinels call the primary. */
  readonly primary?: string | undefined
  readonly sentinel: Credentials & { readonly tls: boolean }
  readonly tls?: TlsSettings | undefined
  readonly database: number
  readonly keyPrefix: string
  /** Milliseconds until a command is given up. */
  readonly timeout: number
  /** Replicas that confirm a write before it is answered; `auto` as in docs/operations.md. */
  readonly replicas: 'auto' | number
}
