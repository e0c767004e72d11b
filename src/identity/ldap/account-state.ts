/** The values of one attribute of an entry. */
export type Values = (attribute: string) => readonly string[]

interface Marker {
  readonly attribute: string
  readonly disables: (value: string, now: number) => boolean
}

const isTrue = (value: string): boolean => value.toLowerCase() === 'true'

/** Bit of userAccountControl (MS-ADTS §2.2.16). */
const ACCOUNT_DISABLED = 0x2
/** Permanently locked by an administrator (draft-behera-ldap-password-policy-10 §5.3.3). */
const LOCKED_FOR_GOOD = '000001010000Z'
/** accountExpires counts 100 ns since 1601; both of these mean never (MS-ADTS §6.1.1.4). */
const NEVER = new Set(['0', '9223372036854775807'])
const MS_FROM_1601_TO_1970 = 11_644_473_600_000n

/** How directories say that somebody may not sign in. What stands in no entry disables nobody. */
const MARKERS: readonly Marker[] = [
  { attribute: 'userAccountControl', disables: (value) => (Number(value) & ACCOUNT_DISABLED) !== 0 },
  {
    attribute: 'accountExpires',
    disables: (value, now) =>
      /^\d{1,19}$/.test(value) && !NEVER.has(value) && BigInt(value) / 10_000n - MS_FROM_1601_TO_1970 <= BigInt(now),
  },
  { attribute: 'pwdAccountLockedTime', disables: (value) => value === LOCKED_FOR_GOOD },
  { attribute: 'nsAccountLock', disables: isTrue },
  { attribute: 'ds-pwp-account-disabled', disables: isTrue },
  { attribute: 'loginDisabled', disables: isTrue },
]

/** To be read with each user. */
export const STATE_ATTRIBUTES: readonly string[] = MARKERS.map(({ attribute }) => attribute)

/** Whether the entry itself says that its owner may not sign in now. */
export function isDisabled(values: Values, now: number): boolean {
  return MARKERS.some(({ attribute, disables }) => values(attribute).some((value) => disables(value, now)))
}
