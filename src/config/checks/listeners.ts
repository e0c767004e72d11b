import { isIPv4 } from 'node:net'
import type { ForwardAuthConfig } from '../../gateway/forward-auth/forward-auth.schema.ts'
import type { ListenerConfig } from '../../http/listener.schema.ts'
import type { ConfigProblem } from '../snapshot.ts'
import type { SourceDocument } from '../source-document.ts'
import {
  errorIn,
  placeOf,
  quoted,
  repeated,
  warningIn,
  type Check,
  type CheckInput,
  type RealmSources,
} from './check.ts'

/** Whether only this machine can connect to the address. */
function isLoopback(address: string): boolean {
  const bare = address.toLowerCase()
  return (isIPv4(bare) && bare.startsWith('127.')) || bare === '::1' || bare === 'localhost'
}

function isExposed({ gatehouse }: CheckInput): boolean {
  return gatehouse?.value.listeners.some(({ address }) => !isLoopback(address)) ?? false
}

export const checkListeners: Check = ({ gatehouse }) => {
  if (gatehouse === undefined) return []
  const { source } = gatehouse
  const { listeners, forwardAuth } = gatehouse.value
  const taken = listeners.map(({ address, port }, index) => ({ address, port, path: ['listeners', index, 'port'] }))
  for (const { address, port, path } of asking(forwardAuth)) taken.push({ address, port, path: [...path, 'port'] })
  const entries = taken.map(({ address, port, path }, index) => ({
    key: port === 0 ? `free ${index}` : `${address} ${port}`,
    source,
    path,
  }))
  return repeated(entries).map(({ entry, first }) =>
    errorIn(
      source,
      entry.path,
      `this address and port are taken by ${placeOf(source, first.path)}; choose another port`,
    ),
  )
}

/** Whoever may ask says whose request it is, and is believed: an address is proof of nothing beyond one machine. */
export const checkForwardAuth: Check = ({ gatehouse }) => {
  const config = gatehouse?.value.forwardAuth
  if (gatehouse === undefined || config?.secret !== undefined) return []
  const message =
    'others than this machine can connect, so proxies have to prove who they are; set secret or tls.clientCertificates.required, or listen on 127.0.0.1'
  return asking(config)
    .filter(({ address, tls }) => !isLoopback(address) && tls?.clientCertificates?.required !== true)
    .map(({ path }) => errorIn(gatehouse.source, [...path, 'address'], message))
}

/** Where proxies ask, and where that is written. */
function asking(
  config: ForwardAuthConfig | undefined,
): readonly (ListenerConfig & { readonly path: readonly string[] })[] {
  if (config === undefined) return []
  const { grpc } = config
  const http = { ...config, path: ['forwardAuth'] }
  return grpc === undefined ? [http] : [http, { ...grpc, path: ['forwardAuth', 'grpc'] }]
}

interface Reached {
  readonly source: SourceDocument
  readonly path: readonly string[]
  readonly url: string
}

function reached({ gatehouse, agents }: CheckInput): Reached[] {
  const login =
    gatehouse === undefined
      ? []
      : [{ source: gatehouse.source, path: ['login', 'url'], url: gatehouse.value.login.url }]
  return [
    ...login,
    ...agents
      .filter(({ value }) => value.upstream !== undefined)
      .map(({ source, value }) => ({ source, path: ['url'], url: value.url })),
  ]
}

export const checkSchemes: Check = (input) => {
  const { gatehouse } = input
  if (gatehouse === undefined) return []
  const { listeners, trustedProxies } = gatehouse.value
  const withoutTls = trustedProxies.length === 0 && !listeners.some(({ tls }) => tls !== undefined)
  return reached(input).flatMap(({ source, path, url }) => {
    if (withoutTls && url.startsWith('https:')) {
      const message =
        'no listener speaks TLS and no proxy in front is trusted, so https cannot work; set listeners[].tls or trustedProxies'
      return [warningIn(source, path, message)]
    }
    if (url.startsWith('https:') || !isExposed(input)) return []
    const message =
      'tokens and passwords cross the network in clear: a listener is not on loopback and this URL is http; use https'
    return [warningIn(source, path, message)]
  })
}

/** Passwords that are printed in the documentation must not open a door that others can reach. */
export const checkDemoUsers: Check = (input) => {
  const exposed = isExposed(input)
  if (input.purpose === 'serve' && !exposed) return []
  return input.realms.flatMap((realm) => demoUsers(realm, { ...input, exposed }))
}

function demoUsers({ users }: RealmSources, { purpose, exposed }: CheckInput & { exposed: boolean }): ConfigProblem[] {
  if (users === undefined) return []
  const { source } = users
  const demo = users.value.users.map((user, index) => ({ user, index })).filter(({ user }) => user.demo)
  const [first] = demo
  if (first === undefined) return []
  const path = ['users', first.index, 'demo']
  const names = demo.map(({ user, index }) => quoted(source, ['users', index, 'username'], user.username)).join(', ')
  const rule = `demonstration users with published passwords (${names})`
  if (purpose === 'serve') {
    const advice = 'remove the users, or listen on 127.0.0.1'
    return [errorIn(source, path, `${rule} and a listener that is not on loopback; ${advice}`)]
  }
  const state = exposed
    ? 'serve refuses them because a listener is not on loopback'
    : 'serve accepts them only on loopback'
  return [warningIn(source, path, `${rule}: ${state}; remove them before others can connect`)]
}
