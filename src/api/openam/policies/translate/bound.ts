/**
 * What of a subject or condition can be said here: the thing itself, or, where parts of it cannot, one that holds less often (`inner`) or
 * more often (`outer`) than it does. `never` and `always` are what is left where nothing can be said at all.
 */
export type Bound<T> = T | 'never' | 'always'

/** Which way to err: what allows errs to the inside, what denies to the outside, so that neither opens anything. */
export type Side = 'inner' | 'outer'

/** A part that is not carried over as it was, and why. */
export interface Loss {
  /** Names of fields and places in lists, joined by dots. */
  readonly where: string
  readonly why: string
}

export type Fields = Readonly<Record<string, unknown>>

/** How a tree of subjects or of conditions is written, in OpenAM and here alike. */
export interface Grammar<T> {
  readonly member: 'subject' | 'condition'
  readonly members: 'subjects' | 'conditions'
  /** What has no parts of its own. What `lose` is told is not carried over; it returns the bound where that is all there was. */
  leaf(fields: Fields, lose: Lose, side: Side): Bound<T>
  join(type: 'AND' | 'OR', members: readonly T[]): T
  negate(member: T): T
}

export type Lose = (why: string) => 'never' | 'always'

const DEEPEST = 32

/** The bound of a tree, with everything that was lost on the way. */
export function boundOf<T extends object>(
  grammar: Grammar<T>,
  node: unknown,
  side: Side,
): { readonly bound: Bound<T>; readonly losses: readonly Loss[] } {
  const losses: Loss[] = []
  return { bound: read(grammar, node, { side, path: [grammar.member], losses }), losses }
}

interface Place {
  readonly side: Side
  readonly path: readonly (string | number)[]
  readonly losses: Loss[]
}

function read<T extends object>(grammar: Grammar<T>, node: unknown, place: Place): Bound<T> {
  const fields = fieldsOf(node)
  if (fields === undefined) return lose(place, `an object with a type belongs here`)
  if (place.path.length > DEEPEST) return lose(place, 'this is nested too deeply')
  const { type } = fields
  if (type === 'AND' || type === 'OR') return junction(grammar, { type, fields }, place)
  if (type === 'NOT') return negation(grammar, fields, place)
  return grammar.leaf(fields, (why) => lose(place, why), place.side)
}

function junction<T extends object>(
  grammar: Grammar<T>,
  { type, fields }: { readonly type: 'AND' | 'OR'; readonly fields: Fields },
  place: Place,
): Bound<T> {
  const members = fields[grammar.members]
  const strange = strangersIn(fields, ['type', grammar.members])
  if (strange !== undefined) return lose(place, strange)
  if (!Array.isArray(members) || members.length === 0) return lose(place, `${type} has no ${grammar.members}`)
  const bounds = members.map((member: unknown, at) =>
    read(grammar, member, { ...place, path: [...place.path, grammar.members, at] }),
  )
  const [settles, changesNothing] = type === 'AND' ? (['never', 'always'] as const) : (['always', 'never'] as const)
  if (bounds.includes(settles)) return settles
  const told = bounds.filter((bound) => typeof bound === 'object')
  return told.length === 0 ? changesNothing : grammar.join(type, told)
}

function negation<T extends object>(grammar: Grammar<T>, fields: Fields, place: Place): Bound<T> {
  const strange = strangersIn(fields, ['type', grammar.member])
  if (strange !== undefined) return lose(place, strange)
  const side = place.side === 'inner' ? 'outer' : 'inner'
  const bound = read(grammar, fields[grammar.member], { ...place, side, path: [...place.path, grammar.member] })
  if (bound === 'never') return 'always'
  return bound === 'always' ? 'never' : grammar.negate(bound)
}

function lose({ side, path, losses }: Place, why: string): 'never' | 'always' {
  losses.push({ where: path.join('.'), why })
  return side === 'inner' ? 'never' : 'always'
}

/** A JSON object without what is `null`, which stands for what is not there. */
export function fieldsOf(node: unknown): Fields | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined
  return Object.fromEntries(Object.entries(node).filter(([, value]) => value !== null))
}

/** What is said in fields that mean nothing to us may be what matters. */
export function strangersIn(fields: Fields, known: readonly string[]): string | undefined {
  const strangers = Object.keys(fields).filter((name) => !known.includes(name))
  return strangers.length === 0 ? undefined : `it says ${strangers.join(', ')}, which is not known here`
}
