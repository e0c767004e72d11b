import { errorIn, placeOf, quoted, type Check, type CheckInput, type Named } from './check.ts'

interface Claim extends Named {
  readonly owner: string
  readonly origin: string
}

function claimsOf({ gatehouse, agents }: CheckInput): Claim[] {
  const claim = (source: Named['source'], path: Named['path'], origin: string): Claim => {
    const owner = source.file
    return { key: hostOf(origin), owner, origin, source, path }
  }
  const login = gatehouse === undefined ? [] : [claim(gatehouse.source, ['login', 'url'], gatehouse.value.login.url)]
  return [
    ...login,
    ...agents.flatMap(({ value, source }) => [
      claim(source, ['url'], value.url),
      ...value.aliases.map((alias, index) => claim(source, ['aliases', index], alias)),
    ]),
  ]
}

/**
 * A host belongs to one owner, whatever the port: browsers send a host's cookies to all of its ports, so two sites on one
 * host would overwrite each other's tokens.
 */
export const checkHosts: Check = (input) => {
  const firsts = new Map<string, Claim>()
  return claimsOf(input).flatMap((claim) => {
    const first = firsts.get(claim.key)
    if (first === undefined) firsts.set(claim.key, claim)
    if (first === undefined || (first.owner === claim.owner && first.origin !== claim.origin)) return []
    if (first.owner === claim.owner) {
      return [errorIn(claim.source, claim.path, 'this origin is the site itself or another alias; remove it')]
    }
    const host = quoted(claim.source, claim.path, claim.key)
    const message = `host ${host} is claimed by ${placeOf(first.source, first.path)}; a host belongs to one site, on all its ports`
    return [errorIn(claim.source, claim.path, message)]
  })
}

/** The host of a canonical origin, without its port. */
export function hostOf(origin: string): string {
  return URL.parse(origin)?.hostname ?? origin
}
