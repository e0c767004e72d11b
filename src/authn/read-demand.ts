import { parseCompositeAdvice } from '../policy/composite-advice.ts'
import type { Advices } from '../policy/decision.ts'
import type { LoginDemand } from './demand.ts'

/** Where a login is asked for. */
interface Query {
  /** A parameter of the address that was given exactly once. */
  query(name: string): string | undefined
}

type Wanted = Omit<LoginDemand, 'force'>

/** What an address asks for that says nothing of it. */
export const NO_DEMAND: LoginDemand = { level: undefined, force: false }

/** What `authIndexType` may be, as OpenAM names it; `undefined` for a value that cannot be one. */
const INDEXES: Readonly<Record<string, (value: string) => Wanted | undefined>> = {
  level: (value) => wanted({ level: numberOf(value, MOST_LEVEL) }),
  module: (value) => wanted({ modules: listOf(nameOf(value)) }),
  service: (value) => wanted({ chain: nameOf(value) }),
  user: (value) => wanted({ username: value.length > LONGEST_NAME || value === '' ? undefined : value }),
  transaction: (value) => wanted({ transaction: UUID.test(value) ? value : undefined }),
  composite_advice: (value) => {
    const advices = parseCompositeAdvice(decodedOnce(value))
    return advices && demandOf(advices)
  },
}

/** Some of OpenAM's clients encode it twice. */
function decodedOnce(value: string): string {
  try {
    return /^%3c/i.test(value) ? decodeURIComponent(value) : value
  } catch {
    return value
  }
}

/** The same in one parameter, as links to OpenAM have them. */
const SHORT = { service: 'service', module: 'module', authlevel: 'level', user: 'user' } as const

const MOST_LEVEL = 9_999
const LONGEST_AGE_S = 86_400 * 365
const LONGEST_NAME = 128
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * `authIndexType` and `authIndexValue` as OpenAM spells them, one of the short forms, and `ForceAuth=true`. `undefined` for what is not
 * understood: a type that is not known (`role`, `resource`), half a pair, an advice that no login can follow, two short forms.
 */
export function readDemand(visit: Query): LoginDemand | undefined {
  const force = visit.query('ForceAuth') === 'true'
  const asked = indexesOf(visit)
  const [index, ...more] = asked
  if (more.length > 0) return undefined
  if (index === undefined) return { level: undefined, force }
  const [type, value] = index
  const read = Object.hasOwn(INDEXES, type) ? INDEXES[type] : undefined
  const demand = value.length > LONGEST_DEMAND ? undefined : read?.(value)
  return demand && { ...demand, force }
}

function indexesOf(visit: Query): readonly (readonly [string, string])[] {
  const type = visit.query('authIndexType')
  const value = visit.query('authIndexValue')
  const pair = type === undefined && value === undefined ? [] : [[type ?? '', value ?? ''] as const]
  const short = Object.entries(SHORT).flatMap(([name, index]) => {
    const text = visit.query(name)
    return text === undefined ? [] : [[index, text] as const]
  })
  return [...pair, ...short]
}

/** `undefined` where the one thing that was asked for could not be read. */
function wanted(demand: Partial<Wanted>): Wanted | undefined {
  return Object.values(demand).every((value) => value === undefined) ? undefined : { level: undefined, ...demand }
}

/** Half an advice would ask for too little: one part that cannot be read, or that no login here follows, spoils it. */
export function demandOf(advices: Advices): Wanted | undefined {
  const {
    AuthLevelConditionAdvice: [level] = [],
    AuthSchemeConditionAdvice: modules,
    AuthenticateToServiceConditionAdvice: chains,
    AuthenticationAgeConditionAdvice: [age] = [],
    TransactionConditionAdvice: [transaction] = [],
    ...others
  } = advices
  if (Object.keys(others).length > 0 || (chains !== undefined && chains.length > 1)) return undefined
  const [chain] = chains ?? []
  const seconds = age === undefined ? undefined : numberOf(age, LONGEST_AGE_S)
  const read = {
    level: level === undefined ? undefined : numberOf(level, MOST_LEVEL),
    modules: modules?.every((name) => nameOf(name) !== undefined) === true ? modules : undefined,
    chain: chain === undefined ? undefined : nameOf(chain),
    maxAgeMs: seconds === undefined ? undefined : seconds * 1_000,
    transaction: transaction !== undefined && UUID.test(transaction) ? transaction : undefined,
  }
  const asked = [level, modules, chain, age, transaction].filter((part) => part !== undefined).length
  const understood = Object.values(read).filter((part) => part !== undefined).length
  return asked === understood && asked > 0 ? read : undefined
}

function numberOf(text: string, most: number): number | undefined {
  const number = /^\d{1,8}$/.test(text) ? Number(text) : undefined
  return number !== undefined && number <= most ? number : undefined
}

function nameOf(text: string): string | undefined {
  return /^[a-zA-Z][\w-]{0,63}$/.test(text) ? text : undefined
}

function listOf(name: string | undefined): readonly string[] | undefined {
  return name === undefined ? undefined : [name]
}

/** The parameters that `readDemand` reads, as they came. */
export function demandPairs(visit: Query): readonly (readonly [string, string])[] {
  return ['authIndexType', 'authIndexValue', ...Object.keys(SHORT), 'ForceAuth'].flatMap((name) => {
    const value = visit.query(name)
    return value === undefined || value.length > LONGEST_DEMAND ? [] : [[name, value] as const]
  })
}

const LONGEST_DEMAND = 4_096
