import ipaddr from 'ipaddr.js'
import { lookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { Agent } from './undici.ts'

/** Whether anybody on the internet could be asked there: no loopback, private, link-local, shared or reserved address (RFC 6890). */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

/**
 * For addresses that somebody else has chosen: names are dialled only where all their addresses are public, at the moment of dialling,
 * so that no answer of a name server can turn to this network in between (DNS rebinding). Check literal addresses with `mayDialHost`.
 */
export function publicHostsOnly(): Dispatcher {
  return new Agent({ connect: { lookup: publicLookup } })
}

/** False for literal addresses that are not public, in every spelling that `URL` gives hosts: no name is looked up for those. */
export function mayDialHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 || isPublicAddress(bare)
}

const publicLookup: LookupFunction = (hostname, options, callback) => {
  const answer = (error: NodeJS.ErrnoException | null, found: readonly LookupAddress[] | undefined): void => {
    // There are none where there is an error, whatever the types say.
    const addresses = found ?? []
    const [first] = addresses
    if (error !== null || first === undefined) {
      callback(error ?? new Error(`${hostname} has no address`), '')
    } else if (!addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new Error(`${hostname} is not on the internet`), '')
    } else if (options.all === true) {
      callback(null, [...addresses])
    } else {
      callback(null, first.address, first.family)
    }
  }
  lookup(hostname, { ...options, all: true }, answer)
}
