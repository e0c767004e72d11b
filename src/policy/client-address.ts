import { BlockList } from 'node:net'
import { canonicalAddress, createAddressSet } from '../http/forwarded.ts'
import { foldCase } from './spelling.ts'
import { compileWildcard, type Matcher } from './wildcard.ts'

export interface AddressConfig {
  readonly type: 'IPv4' | 'IPv6'
  readonly startIp?: string | undefined
  readonly endIp?: string | undefined
  readonly addresses?: readonly string[] | undefined
  readonly dnsName?: readonly string[] | undefined
}

/** `unknown`: the client's address, or its names where they are asked about, are not known. */
export type AddressFinding = 'holds' | 'fails' | 'unknown'

export type ClientAddress = (ip: string, names: readonly string[] | undefined) => AddressFinding

/** Compiles the addresses and names from which a client may come. */
export function compileClientAddress({
  type,
  startIp,
  endIp,
  addresses = [],
  dnsName = [],
}: AddressConfig): ClientAddress {
  const isWithin = rangeOf(startIp, endIp)
  const listed = createAddressSet(addresses)
  const names = dnsName.map((name): Matcher => compileWildcard(foldCase(name), (literal) => literal))
  const hasAddresses = startIp !== undefined || addresses.length > 0
  const ownFamily = (ip: string): boolean => ip.includes(':') === (type === 'IPv6')
  return (ip, known) => {
    const isKnown = ip !== ''
    if (isKnown && ownFamily(ip) && (isWithin(ip) || listed.has(ip))) return 'holds'
    if (names.length === 0) return isKnown ? 'fails' : 'unknown'
    if (known?.some((name) => names.some((matches) => matches(foldCase(name)))) === true) return 'holds'
    return known === undefined || (hasAddresses && !isKnown) ? 'unknown' : 'fails'
  }
}

function rangeOf(startIp: string | undefined, endIp: string | undefined): (ip: string) => boolean {
  if (startIp === undefined || endIp === undefined) return () => false
  const family = startIp.includes(':') ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addRange(startIp, endIp, family)
  return (ip) => list.check(ip, family)
}

/** What is wrong with addresses, and what to do about it. */
export function addressProblem({ type, startIp, endIp, addresses = [] }: AddressConfig): string | undefined {
  const family = type === 'IPv6' ? 'ipv6' : 'ipv4'
  const isOther = (ip: string): boolean => ip.includes(':') !== (type === 'IPv6')
  if ([startIp, endIp, ...addresses].some((ip) => ip !== undefined && isOther(ip)))
    return `an address is none of ${type}; write a condition of the other type beside it, with OR`
  if (startIp === undefined || endIp === undefined)
    return startIp === endIp ? undefined : 'write startIp and endIp, or neither'
  if (canonicalAddress(startIp) === undefined || canonicalAddress(endIp) === undefined)
    return 'write addresses in their usual form'
  try {
    new BlockList().addRange(startIp, endIp, family)
    return undefined
  } catch {
    return 'startIp comes after endIp; change their places'
  }
}
