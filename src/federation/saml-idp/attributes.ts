import type { User } from '../../identity/directory.ts'
import type { ServiceProviderConfig } from './service-providers.schema.ts'

/** What a partner is told of somebody. */
export interface IssuedAttribute {
  readonly name: string
  readonly format: string
  readonly friendlyName: string | undefined
  readonly values: readonly string[]
}

type Rule = NonNullable<ServiceProviderConfig['attributes']>[number]

const STANDARD: readonly Rule[] = [
  { name: 'uid', from: 'username' },
  ...['mail', 'displayName', 'givenName', 'sn'].map((name) => ({ name, from: `attribute:${name}` })),
  { name: 'groups', from: 'groups' },
]

const FORMAT = 'urn:oasis:names:tc:SAML:2.0:attrname-format:'

/** Those that somebody has; without rules of its own a partner is told what is usual. */
export function attributesOf(user: User, rules: readonly Rule[] | undefined): readonly IssuedAttribute[] {
  return (rules ?? STANDARD).flatMap(({ name, friendlyName, format, from }) => {
    const values = valuesOf(user, from)
    const usual = /^(?:urn:|https?:)/.test(name) ? 'uri' : 'basic'
    return values.length === 0 ? [] : [{ name, friendlyName, format: `${FORMAT}${format ?? usual}`, values }]
  })
}

/** `username`, `userId`, `groups` or `attribute:NAME` of somebody; empty where there is none. */
export function valuesOf({ id, username, groups, attributes }: User, source: string): readonly string[] {
  if (source === 'username') return [username]
  if (source === 'userId') return [id]
  if (source === 'groups') return [...groups].sort()
  const name = source.slice('attribute:'.length)
  return Object.hasOwn(attributes, name) ? (attributes[name] ?? []) : []
}
