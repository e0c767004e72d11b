import ipaddr from 'ipaddr.js'
import type { IncomingMessage } from 'node:http'
import { BlockList, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Client } from './client.ts'
import { peerAddress } from './peer-address.ts'

/** Who sent this request. Pure look-ups: the list of trusted proxies is compiled once. */
export type ClientResolver = (request: IncomingMessage) => Client

/** Most entries of X-Forwarded-For that are walked: more are noise or an attack. */
const MAX_HOPS = 64

/** A set of addresses and networks in CIDR notation. Entries must be valid; an empty set contains nobody. */
export interface AddressSet {
  has(ip: string): boolean
  readonly empty: boolean
}

export function createAddressSet(entries: readonly string[]): AddressSet {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return {
    empty: entries.length === 0,
    has: (ip) => entries.length > 0 && ip !== '' && list.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4'),
  }
}

/**
 * An address in the one form that rules and logs use: IPv4, or IPv6 compressed, IPv4-mapped addresses as IPv4. Ports are
 * accepted where RFC 7239 §6 and common proxies write them. `undefined` for everything else, octal IPv4 parts included.
 */
export function canonicalAddress(text: string): string | undefined {
  const bare = withoutPort(text.trim())
  if (bare === undefined || (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare))) return undefined
  if (!ipaddr.isValid(bare) || bare.includes('%')) return undefined
  return ipaddr.process(bare).toString()
}

function withoutPort(text: string): string | undefined {
  const match = /^\[([0-9a-fA-F:.]+)\](?::\d{1,5})?$|^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/.exec(text)
  if (match !== null) return match[1] ?? match[2]
  return /^[0-9a-fA-F:.]+$/.test(text) ? text : undefined
}

/**
 * `X-Forwarded-For` and `X-Forwarded-Proto` count only when the TCP peer is a trusted proxy; an empty list trusts nobody. The
 * address is the rightmost one that is not a trusted proxy itself, since everything left of it was written by strangers.
 */
export function createClientResolver(trustedProxies: readonly string[]): ClientResolver {
  const trusted = createAddressSet(trustedProxies)
  const known = new WeakMap<Socket, Client>()
  const peerOf = (socket: Socket): Client => {
    const found = known.get(socket)
    if (found !== undefined) return found
    const peer = peerAddress(socket)
    const client: Client = { ip: peer, scheme: isEncrypted(socket) ? 'https' : 'http', peer }
    known.set(socket, client)
    return client
  }
  if (trusted.empty) return (request) => peerOf(request.socket)
  return (request) => {
    const direct = peerOf(request.socket)
    if (!trusted.has(direct.peer)) return direct
    return {
      ip: forwardedFor(request.headers['x-forwarded-for'], direct.peer, trusted),
      scheme: forwardedProto(request.headers['x-forwarded-proto']) ?? direct.scheme,
      peer: direct.peer,
    }
  }
}

function isEncrypted(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true
}

/**
 * Empty at a hop that cannot be read: taking the proxy for the client instead would open what rules keep for the proxy's network
 * (CVE-2024-47070).
 */
function forwardedFor(header: string | string[] | undefined, peer: string, trusted: AddressSet): string {
  if (header === undefined) return peer
  const hops = (typeof header === 'string' ? header : header.join(',')).split(',')
  let client = peer
  for (let i = hops.length - 1, walked = 0; i >= 0 && walked < MAX_HOPS; i--, walked++) {
    const address = canonicalAddress(hops[i] ?? '')
    if (address === undefined) return ''
    client = address
    if (!trusted.has(address)) return client
  }
  return client
}

/** The last value counts: it is the one that the trusted peer wrote. */
function forwardedProto(header: string | string[] | undefined): 'http' | 'https' | undefined {
  if (header === undefined) return undefined
  const text = typeof header === 'string' ? header : header.join(',')
  const last = text
    .slice(text.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase()
  return last === 'http' || last === 'https' ? last : undefined
}

/** What we tell the upstream about the way a request came, as header values. */
export interface ForwardedValues {
  readonly xForwardedFor: string
  /** RFC 7239. */
  readonly forwarded: string
}

/** Where the request arrived, as browsers see it: from configuration, never from the Host header. */
export interface PublicOrigin {
  readonly scheme: 'http' | 'https'
  /** The end of our element of `Forwarded`, which is the same for every request. */
  readonly forwarded: string
}

export function publicOrigin(scheme: 'http' | 'https', authority: string): PublicOrigin {
  return { scheme, forwarded: `;host=${quoted(authority)};proto=${scheme}` }
}

/**
 * The values for `X-Forwarded-For` and `Forwarded`. What the peer sent is continued when the peer is a trusted proxy (the
 * client differs from the peer exactly then) and thrown away otherwise.
 */
export function forwardedValues(request: IncomingMessage, client: Client, origin: PublicOrigin): ForwardedValues {
  const own = `for=${forwardedNode(client.peer)}${origin.forwarded}`
  if (client.ip === client.peer) return { xForwardedFor: client.peer, forwarded: own }
  const chain = trustedChain(request.headers['x-forwarded-for'], client.ip)
  const elements = [...chain.map((ip) => `for=${forwardedNode(ip)}`), own]
  return { xForwardedFor: [...chain, client.peer].join(', '), forwarded: elements.join(', ') }
}

/** The part of X-Forwarded-For that trusted proxies wrote: from the client on; nothing that strangers put before it. */
function trustedChain(header: string | string[] | undefined, client: string): readonly string[] {
  const text = header === undefined ? '' : typeof header === 'string' ? header : header.join(',')
  const chain: string[] = []
  for (const hop of text.split(',').slice(-MAX_HOPS).reverse()) {
    const address = canonicalAddress(hop)
    if (address === undefined) break
    chain.unshift(address)
    if (address === client) break
  }
  return chain.length === 0 ? [client] : chain
}

function forwardedNode(ip: string): string {
  return ip.includes(':') ? `"[${ip}]"` : ip === '' ? 'unknown' : ip
}

/** RFC 7239 §4: a token needs no quotes; `:` and `[` do. */
function quoted(authority: string): string {
  return /^[\w.-]+$/.test(authority) ? authority : `"${authority}"`
}
