import type { EpochMs } from '../../base/brand.ts'
import type { User } from '../../identity/directory.ts'
import type { Session } from '../../session/session.ts'
import { isAnonymous } from '../../session/anonymous.ts'
import { textIn, textsIn, type Claims } from '../claims.ts'
import type { OpenIdSsoConfig } from './sso-provider.schema.ts'

/** The property in which a session remembers who its provider says somebody is. */
const PROPERTY = 'ssoClaims'

/** Of somebody whom no directory here knows. `undefined` for a name that would pass for nobody's. */
export function userOf({ claims: names }: Pick<OpenIdSsoConfig, 'claims'>, claims: Claims): User | undefined {
  if (isAnonymous({ userId: claims.sub })) return undefined
  const attributes = Object.entries(names.attributes).map(([name, claim]) => [name, textsIn(claims, claim)] as const)
  return {
    id: claims.sub,
    username: textIn(claims, names.username) ?? claims.sub,
    groups: new Set(textsIn(claims, names.groups)),
    attributes: Object.fromEntries(attributes.filter(([, values]) => values.length > 0)),
  }
}

export function claimsProperty({ groups, attributes }: User): Readonly<Record<string, string>> {
  return { [PROPERTY]: JSON.stringify([[...groups], attributes]) }
}

type Remembered = readonly [groups: readonly string[], attributes: User['attributes']]

/** `undefined` for a session that did not begin with a provider. */
export function userOfSession({
  userId,
  username,
  properties,
}: Pick<Session, 'userId' | 'username' | 'properties'>): User | undefined {
  const text = Object.hasOwn(properties, PROPERTY) ? properties[PROPERTY] : undefined
  if (text === undefined) return undefined
  // Written by `claimsProperty`, and by nobody else.
  const [groups, attributes] = JSON.parse(text) as Remembered
  return { id: userId, username, groups: new Set(groups), attributes }
}

/** The level that an `acr`, or a class of authentication contexts, stands for. */
export function levelOf({ acr }: Pick<OpenIdSsoConfig, 'acr'>, name: unknown): number {
  if (typeof name !== 'string') return 0
  const named = acr.find((each) => each.name === name)?.level
  return named ?? (/^\d{1,4}$/.test(name) ? Number(name) : 0)
}

/** When somebody proved who they are. A provider that does not say may have asked for nothing: then nobody has, ever, as far as is known here. */
export function provenSince({ auth_time: at }: Claims, now: EpochMs): EpochMs {
  return (typeof at === 'number' ? Math.min(at * 1_000, now) : 0) as EpochMs
}
