import { conditionSchema } from '../../../../policy/conditions.schema.ts'
import { strangersIn, type Bound, type Fields, type Grammar, type Lose, type Side } from './bound.ts'
import type { Translation } from './translation.ts'

/** A condition as `policies.yaml` writes it: times are texts with their units. */
export interface WrittenCondition {
  readonly type: string
  readonly [field: string]: unknown
}

/** Conditions of OpenAM, and those of ours that it does not have. */
export function conditionGrammar(translation: Translation): Grammar<WrittenCondition> {
  return {
    ...{ member: 'condition', members: 'conditions' },
    leaf(fields, lose, side) {
      const type = String(fields['type'])
      const reader = READERS.get(type)
      if (reader === undefined)
        return lose(NOT_HERE.get(type) ?? `conditions of type ${JSON.stringify(type)} are not known here`)
      const strange = strangersIn(fields, ['type', ...reader.fields])
      if (strange !== undefined) return lose(strange)
      const doubt = translation.isOurs ? undefined : reader.doubt?.(fields, side)
      if (doubt !== undefined) return lose(doubt)
      const written = reader.read(fields, translation)
      if (typeof written === 'string') return lose(written)
      return checked({ type, ...written }, lose)
    },
    join: (type, conditions) => ({ type, conditions }),
    negate: (condition) => ({ type: 'NOT', condition }),
  }
}

function checked(written: WrittenCondition, lose: Lose): Bound<WrittenCondition> {
  const parsed = conditionSchema.safeParse(written)
  if (parsed.success) return written
  return lose(
    parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; '),
  )
}

/** Types that do not ask for more where they fail; whatever else there may be is taken to. */
const SILENT: ReadonlySet<unknown> = new Set([
  'IPv4',
  'IPv6',
  'LDAPFilter',
  'OAuth2Scope',
  'SessionProperty',
  'SimpleTime',
  'LEAuthLevel',
  'AMIdentityMembership',
])

/** Whether a condition may ask for another login, and so hold back what other policies allow. */
export function mayAdvise(condition: unknown): boolean {
  if (condition === undefined || condition === null) return false
  const { type, conditions, condition: inner } = condition as Fields
  if (type === 'AND' || type === 'OR') return !Array.isArray(conditions) || conditions.some(mayAdvise)
  return type === 'NOT' ? mayAdvise(inner) : !SILENT.has(type)
}

/** What is asked elsewhere than here, and what to do about it. */
const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ['Script', 'scripts are not run here; write what it decides as conditions'],
  ['Policy', 'conditions that ask other policies are not known here; write out what they say'],
  [
    'AMIdentityMembership',
    'it asks about whom the caller names, not about who is signed in; write a subject of type Group',
  ],
  [
    'ResourceEnvIP',
    'it chooses a login by address; write IPv4 or IPv6 beside AuthLevel, AuthScheme or AuthenticateToService',
  ],
])

interface Reader {
  readonly fields: readonly string[]
  /** As it is written here, or why that cannot be said. */
  read(fields: Fields, translation: Translation): Fields | string
  /** Why it errs to the wrong side where the facts it asks about did not come along. */
  doubt?(fields: Fields, side: Side): string | undefined
}

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['AuthLevel', { fields: ['authLevel'], read: ({ authLevel }) => ({ authLevel: numberOf(authLevel) }) }],
  ['LEAuthLevel', { fields: ['authLevel'], read: ({ authLevel }) => ({ authLevel: numberOf(authLevel) }) }],
  [
    'AuthScheme',
    {
      fields: ['authScheme', 'applicationName', 'applicationIdleTimeout'],
      read({ authScheme, applicationIdleTimeout }, translation) {
        if (Number(applicationIdleTimeout ?? 0) > 0)
          return 'applicationIdleTimeout: no time is kept for each application here'
        const wanted: readonly unknown[] = Array.isArray(authScheme) ? authScheme : []
        const names = wanted.map((name) => localName(name, translation, (local) => translation.moduleOf(local)))
        const missing = wanted.find((_, at) => names[at] === undefined)
        return missing === undefined ? { authScheme: names } : `there is no module ${JSON.stringify(missing)} here`
      },
    },
  ],
  [
    'AuthAge',
    {
      fields: ['maxAge'],
      read: ({ maxAge }) => ({ maxAge: typeof maxAge === 'number' ? lasting(maxAge, 1_000) : maxAge }),
    },
  ],
  [
    'AuthenticateToService',
    {
      fields: ['authenticateToService'],
      read({ authenticateToService: wanted }, translation) {
        const name = localName(wanted, translation, (local) => translation.chainOf(local))
        return name === undefined ? `there is no chain ${JSON.stringify(wanted)} here` : { authenticateToService: name }
      },
    },
  ],
  [
    'AuthenticateToRealm',
    {
      fields: ['authenticateToRealm'],
      read: ({ authenticateToRealm }, { isOurs }) =>
        isOurs ? { authenticateToRealm } : 'sessions of this realm alone count here, so leave it out or name the realm',
    },
  ],
  ['IPv4', { fields: ['startIp', 'endIp', 'dnsName', 'addresses'], read: readAddresses }],
  ['IPv6', { fields: ['startIp', 'endIp', 'dnsName', 'addresses'], read: readAddresses }],
  [
    'LDAPFilter',
    {
      fields: ['ldapFilter'],
      read: ({ ldapFilter }) => ({ ldapFilter }),
      doubt({ ldapFilter }, side) {
        if (side === 'outer') return 'it holds for nobody of whom the realm does not know the attribute'
        return String(ldapFilter).includes('(!')
          ? 'its negation holds for everybody of whom the realm does not know the attribute'
          : undefined
      },
    },
  ],
  ['OAuth2Scope', { fields: ['requiredScopes'], read: ({ requiredScopes }) => ({ requiredScopes }) }],
  [
    'Session',
    {
      fields: ['maxSessionTime', 'terminateSession'],
      read: ({ maxSessionTime, terminateSession = false }) => ({
        maxSessionTime: minutes(maxSessionTime),
        terminateSession,
      }),
    },
  ],
  [
    'SessionProperty',
    {
      fields: ['properties', 'ignoreValueCase'],
      read: ({ properties, ignoreValueCase = true }) => ({ properties, ignoreValueCase }),
      doubt: (_, side) =>
        side === 'outer' ? 'it holds for no session that does not have the property here' : undefined,
    },
  ],
  // It is none of OpenAM's. What a request does not say is unknown: that allows nothing, and a deny counts it as held.
  [
    'Environment',
    {
      fields: ['properties', 'ignoreValueCase'],
      read: ({ properties, ignoreValueCase = false }) => ({ properties, ignoreValueCase }),
    },
  ],
  [
    'SimpleTime',
    {
      fields: ['startTime', 'endTime', 'startDay', 'endDay', 'startDate', 'endDate', 'enforcementTimeZone'],
      read: readTime,
    },
  ],
  ['Transaction', { fields: ['authenticationStrategy', 'strategySpecifier'], read: readTransaction }],
])

/** As a number, or as it is: the schema says what is wrong with it. */
function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
}

function minutes(value: unknown): unknown {
  const number = numberOf(value)
  return typeof number === 'number' ? lasting(number, 60_000) : value
}

/** In seconds or minutes. Fractions are there where we said them ourselves. */
function lasting(count: number, unitMs: 1_000 | 60_000): string {
  return Number.isInteger(count) ? `${count}${unitMs === 1_000 ? 's' : 'm'}` : `${Math.round(count * unitMs)}ms`
}

/** `NAME`, or `/REALM:NAME` of the realm that is meant. */
function localName(
  value: unknown,
  { realm }: Translation,
  find: (name: string) => string | undefined,
): string | undefined {
  if (typeof value !== 'string') return undefined
  const colon = value.indexOf(':')
  if (colon === -1) return find(value)
  return value.slice(0, colon).toLowerCase() === realm.toLowerCase() ? find(value.slice(colon + 1)) : undefined
}

function readAddresses({ startIp, endIp, dnsName, addresses }: Fields): Fields {
  return {
    ...present('startIp', startIp),
    ...present('endIp', endIp),
    ...present('addresses', addresses),
    ...present('dnsName', dnsName),
  }
}

/** Empty texts and lists are how OpenAM's console leaves a field out. */
function present(name: string, value: unknown): Fields {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0) ? {} : { [name]: value }
}

function readTime(fields: Fields, { timeZone }: Translation): Fields | string {
  const { enforcementTimeZone = timeZone, ...rest } = fields
  if (enforcementTimeZone === undefined) return 'it names no time zone, and nobody said which one OpenAM ran in'
  const { startTime, endTime, startDay, endDay, startDate, endDate } = rest
  return {
    ...present('startTime', timeOf(startTime)),
    ...present('endTime', timeOf(endTime)),
    ...present('startDay', dayOf(startDay)),
    ...present('endDay', dayOf(endDay)),
    ...present('startDate', startDate),
    ...present('endDate', endDate),
    enforcementTimeZone,
  }
}

/** OpenAM takes `9:00`, too. */
function timeOf(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^(?=\d:)/, '0') : value
}

function dayOf(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

const STRATEGIES: Readonly<Record<string, 'AuthLevel' | 'AuthScheme' | 'AuthenticateToService'>> = {
  AuthLevel: 'AuthLevel',
  AuthScheme: 'AuthScheme',
  AuthenticateToService: 'AuthenticateToService',
  AuthLevelConditionAdvice: 'AuthLevel',
  AuthSchemeConditionAdvice: 'AuthScheme',
  AuthenticateToServiceConditionAdvice: 'AuthenticateToService',
  AuthenticateToTreeConditionAdvice: 'AuthenticateToService',
}

function readTransaction(
  { authenticationStrategy, strategySpecifier }: Fields,
  translation: Translation,
): Fields | string {
  const strategy = Object.entries(STRATEGIES).find(([name]) => name === authenticationStrategy)?.[1]
  if (strategy === undefined) return `an approval by ${JSON.stringify(authenticationStrategy)} is not known here`
  const text = typeof strategySpecifier === 'number' ? String(strategySpecifier) : strategySpecifier
  if (strategy === 'AuthLevel') return { authenticationStrategy: strategy, strategySpecifier: text }
  const find = (name: string): string | undefined =>
    strategy === 'AuthScheme' ? translation.moduleOf(name) : translation.chainOf(name)
  const name = localName(text, translation, find)
  if (name === undefined)
    return `there is no ${strategy === 'AuthScheme' ? 'module' : 'chain'} ${JSON.stringify(text)} here`
  return { authenticationStrategy: strategy, strategySpecifier: name }
}
