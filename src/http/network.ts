import ipaddr from 'ipaddr.js'

/**
 * The network that a client is counted by: an IPv4 address, or the /64 of an IPv6 address, because whoever has one address of a
 * /64 has all of them. IPv4 in IPv6 clothes is IPv4. Anything that is no address shares one network called `unknown`.
 */
export function networkOf(clientIp: string | undefined): string {
  if (clientIp === undefined || !ipaddr.isValid(clientIp)) return 'unknown'
  const address = ipaddr.process(clientIp)
  if (!(address instanceof ipaddr.IPv6)) return address.toString()
  const half = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${half.join(':')}::/64`
}
