import { usernameKey } from '../../base/username-key.ts'
import { textIn, type Claims } from '../claims.ts'
import type { Asserted } from '../saml/assertion.ts'
import { NAME_ID } from '../saml/names.ts'
import type { SamlProviderConfig } from './providers.schema.ts'

/**
 * What an assertion says, by attribute; `sub` is the NameID, or the attribute that `subject` names. `undefined` where that is a name
 * that the provider gives out for one session (transient), of another form than it was asked for (SAML Core 2.0 §3.4.1.1: a user name and
 * an address of the same letters may be two people), or nothing: nobody can be known by it.
 */
export function claimsOf(
  { nameId, attributes }: Asserted,
  { subject, nameIdFormat: wanted = 'unspecified' }: Pick<SamlProviderConfig, 'subject' | 'nameIdFormat'>,
): Claims | undefined {
  const named = Object.fromEntries(
    [...attributes].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
  const isWanted = wanted === 'unspecified' || nameId.format === NAME_ID[wanted]
  const isLasting = isWanted && nameId.format !== NAME_ID.transient
  const sub = subject === undefined ? (isLasting ? nameId.value : undefined) : textIn({ sub: '', ...named }, subject)
  if (sub === undefined || sub === '') return undefined
  // `isVouchedFor` says more of an address than a provider's word that it has verified it.
  return { ...named, email_verified: true, sub }
}

/**
 * Whether the names that accounts are found or made by are the provider's to give: one with a domain has to be of a domain that the
 * configuration says is its own, or a provider of one company would sign in people of another.
 */
export function isVouchedFor(
  claims: Claims,
  { link, create, domains }: Pick<SamlProviderConfig, 'link' | 'create' | 'domains'>,
): boolean {
  return [link?.claim, create?.username].every((claim) => {
    const value = claim === undefined ? undefined : textIn(claims, claim)
    // As accounts are told apart: other signs fold to `@`.
    const name = value === undefined ? '' : usernameKey(value)
    return !name.includes('@') || domains.includes(name.slice(name.lastIndexOf('@') + 1))
  })
}
