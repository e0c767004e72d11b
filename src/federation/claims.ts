/** What a provider says of somebody: claims of an ID token, and of the userinfo endpoint where that is asked; attributes of an assertion. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string }

const LONGEST = 256

/**
 * A claim that names somebody. `undefined` for one that is absent, no plain text, or an address of which the provider does not say that
 * it has verified it: anybody can write another's address into their profile.
 */
export function nameIn(claims: Claims, claim: string): string | undefined {
  const value = textIn(claims, claim)
  if (value === undefined || (claim === 'email' && !isVerified(claims))) return undefined
  return claim === 'email' && !isAddress(value) ? undefined : value
}

/** A claim as one plain text. */
export function textIn(claims: Claims, claim: string): string | undefined {
  const value: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return isPlain(value) ? value : undefined
}

/** A claim as a list of plain texts; one text is a list of one. */
export function textsIn(claims: Claims, claim: string): readonly string[] {
  const value: unknown = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return (Array.isArray(value) ? (value as readonly unknown[]) : [value]).filter(isPlain)
}

/** As a JSON `true`: some providers write the text, and `"false"` is no less true than `"true"`. */
function isVerified(claims: Claims): boolean {
  return Object.hasOwn(claims, 'email_verified') && claims['email_verified'] === true
}

/** With more than one `@`, readers differ in what its domain is. */
function isAddress(text: string): boolean {
  const [name, domain, ...more] = text.split('@')
  return name !== undefined && name !== '' && domain !== undefined && domain.includes('.') && more.length === 0
}

/** Nothing in it is cut, folded or invisible elsewhere. */
function isPlain(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= LONGEST &&
    value.isWellFormed() &&
    !/\p{C}/u.test(value) &&
    value.trim() === value &&
    value.normalize('NFC') === value
  )
}
