import { checkPattern } from '../../../../policy/pattern.ts'
import { responseAttributeSchema, type ResponseAttributeConfig } from '../../../../policy/response-attributes.schema.ts'
import type { SubjectConfig } from '../../../../policy/subjects.schema.ts'
import { boundOf, fieldsOf, strangersIn, type Bound, type Loss, type Side } from './bound.ts'
import { conditionGrammar, mayAdvise, type WrittenCondition } from './condition-from.ts'
import { subjectGrammar } from './subject-from.ts'
import type { Translation } from './translation.ts'

/** A policy as `policies.yaml` writes it. */
export interface WrittenPolicy {
  readonly name: string
  readonly description?: string
  readonly active: boolean
  readonly policySet: string
  readonly resources: readonly string[]
  readonly actions: Readonly<Record<string, 'allow' | 'deny'>>
  readonly subject: SubjectConfig
  readonly condition?: WrittenCondition
  readonly responseAttributes?: readonly ResponseAttributeConfig[]
  readonly resourceType?: string
}

export type ReadPolicy =
  | { readonly kind: 'unreadable'; readonly why: string }
  | {
      readonly kind: 'read'
      readonly name: string
      /** OpenAM's id of its resource type. */
      readonly resourceType: string | undefined
      /** None where it takes no part; several where what it allows and what it denies err to different sides. */
      readonly policies: readonly WrittenPolicy[]
      /** Empty: it says exactly what it said. */
      readonly losses: readonly Loss[]
    }

const DEFAULT_SET = 'iPlanetAMWebAgentService'
/** Without what is so in any case. */
export function inFewWords({
  name,
  description,
  active,
  policySet,
  responseAttributes,
  ...rest
}: WrittenPolicy): object {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(active ? {} : { active }),
    ...(policySet === DEFAULT_SET ? {} : { policySet }),
    ...rest,
    ...(responseAttributes === undefined
      ? {}
      : {
          responseAttributes: responseAttributes.map(({ propertyValues, ...attribute }) =>
            propertyValues.length === 0 ? attribute : { ...attribute, propertyValues },
          ),
        }),
  }
}

const LONGEST_DESCRIPTION = 1_024

const FIELDS = [
  ...['_id', '_rev', 'name', 'active', 'description', 'applicationName', 'actionValues', 'resources', 'subject'],
  ...['condition', 'resourceTypeUuid', 'resourceAttributes'],
  // What a trial has said.
  '_decisions',
  // Who and when: that is for the history of the file.
  ...['createdBy', 'creationDate', 'lastModifiedBy', 'lastModifiedDate'],
]

/**
 * Says a policy of OpenAM's REST in our words. What cannot be said becomes stricter, never wider: what it allows is narrowed to what is
 * sure, what it denies widened, and where it might have asked for another login, holding back what others allow, it denies.
 */
export function readPolicy(document: unknown, translation: Translation): ReadPolicy {
  const fields = fieldsOf(document)
  const name = fields?.['name'] ?? fields?.['_id']
  if (fields === undefined || typeof name !== 'string' || name === '')
    return { kind: 'unreadable', why: 'it has no name' }
  const misfit = misfitIn(fields)
  if (misfit !== undefined) return { kind: 'unreadable', why: misfit }
  const parts = partsOf(fields, translation)
  const { losses, ...read } = combine(name, parts)
  const resourceType = typeof fields['resourceTypeUuid'] === 'string' ? fields['resourceTypeUuid'] : undefined
  return { kind: 'read', name, resourceType, ...read, losses }
}

const TEXTS = ['applicationName', 'description', 'resourceTypeUuid'] as const

/** What decides whether and where a policy counts is not guessed: a deny that is taken for inactive would open what it closes. */
function misfitIn(fields: Fields): string | undefined {
  const { active = false } = fields
  if (typeof active !== 'boolean') return 'active is neither true nor false'
  if (fieldsOf(fields['actionValues']) === undefined) return 'it names no actions in actionValues'
  if (!Array.isArray(fields['resources'])) return 'resources is no list'
  const misfit = TEXTS.find((name) => fields[name] !== undefined && typeof fields[name] !== 'string')
  return misfit && `${misfit} is no text`
}

interface Parts {
  readonly common: Pick<WrittenPolicy, 'active' | 'policySet' | 'description' | 'responseAttributes'>
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
  readonly inner: Sided
  readonly outer: Sided
  readonly asksForMore: boolean
  /** Of what is said but for subject, condition and resources. */
  readonly losses: readonly Loss[]
}

/** Subject, condition and resources, all erring to one side. */
interface Sided {
  readonly subject: Bound<SubjectConfig>
  readonly condition: Bound<WrittenCondition>
  readonly resources: readonly string[]
  readonly isConditionExact: boolean
  readonly losses: readonly Loss[]
}

type Fields = Readonly<Record<string, unknown>>

function partsOf(fields: Fields, translation: Translation): Parts {
  const losses: Loss[] = []
  const lose = (where: string, why: string): void => void losses.push({ where, why })
  const { active = false, applicationName = DEFAULT_SET, description = '' } = fields
  const strange = strangersIn(fields, FIELDS)
  const { allowed, denied } = readActions(fields['actionValues'], lose)
  const text = String(description)
  if (text.length > LONGEST_DESCRIPTION) lose('description', `cut after ${LONGEST_DESCRIPTION} characters`)
  const attributes = readAttributes(fields['resourceAttributes'], lose)
  return {
    common: {
      ...(text === '' ? {} : { description: text.slice(0, LONGEST_DESCRIPTION) }),
      active: active === true,
      policySet: String(applicationName),
      ...(attributes.length === 0 ? {} : { responseAttributes: attributes }),
    },
    ...{ allowed, denied },
    inner: sided(fields, { side: 'inner', strange }, translation),
    outer: sided(fields, { side: 'outer', strange }, translation),
    asksForMore: mayAdvise(fields['condition']) || strange !== undefined,
    losses,
  }
}

function sided(
  fields: Fields,
  { side, strange }: { readonly side: Side; readonly strange: string | undefined },
  translation: Translation,
): Sided {
  const subject = boundOf(subjectGrammar(translation), fields['subject'], side)
  const written = fields['condition']
  const condition =
    written === undefined
      ? ({ bound: 'always', losses: [] } as const)
      : boundOf(conditionGrammar(translation), written, side)
  const { resources, losses } = readResources(fields['resources'], side)
  const unknown = strange === undefined ? [] : [{ where: 'policy', why: strange }]
  return {
    subject: subject.bound,
    // What is said in words that nobody here knows may be one more condition.
    condition: strange === undefined ? condition.bound : side === 'inner' ? 'never' : 'always',
    resources,
    isConditionExact: condition.losses.length + unknown.length === 0,
    losses: [...unknown, ...subject.losses, ...condition.losses, ...losses],
  }
}

type LoseAt = (where: string, why: string) => void

const ACTION = /^[A-Za-z][A-Za-z-]{0,31}$/

/** Letter case does not count: what is denied in one spelling is denied. HEAD is decided as GET (RFC 9110 §9.3.2). */
function readActions(
  actionValues: unknown,
  lose: LoseAt,
): { readonly allowed: readonly string[]; readonly denied: readonly string[] } {
  const effects = new Map<string, { readonly name: string; readonly isAllowed: boolean }>()
  const actions = fieldsOf(actionValues)
  if (actions === undefined) lose('actionValues', 'it names no actions')
  for (const [name, value] of Object.entries(actions ?? {})) {
    const isAllowed = value === true || (typeof value === 'number' && value !== 0)
    if (!isAllowed && value !== false && value !== 0) lose(`actionValues.${name}`, 'this is neither true nor false')
    const key = name.toUpperCase()
    const known = effects.get(key)
    if (!ACTION.test(name)) lose(`actionValues.${name}`, 'actions are named in letters here, so this one is left out')
    else if (known === undefined) effects.set(key, { name, isAllowed })
    else if (known.isAllowed !== isAllowed) {
      lose(`actionValues.${name}`, 'it is named twice, in another letter case; it is denied')
      effects.set(key, { name: known.name, isAllowed: false })
    }
  }
  const head = effects.get('HEAD')
  const get = effects.get('GET')
  effects.delete('HEAD')
  if (head !== undefined && head.isAllowed !== get?.isAllowed) {
    const why = head.isAllowed ? 'left out' : 'GET is denied with it'
    lose('actionValues.HEAD', `HEAD is decided as GET here; ${why}`)
    if (!head.isAllowed) effects.set('GET', { name: 'GET', isAllowed: false })
  }
  const named = [...effects.values()]
  return {
    allowed: named.filter(({ isAllowed }) => isAllowed).map(({ name }) => name),
    denied: named.filter(({ isAllowed }) => !isAllowed).map(({ name }) => name),
  }
}

const EVERYTHING = ['*://*:*/*', '*://*:*/*?*']
/** Another scheme than http, by its first characters: no request has it. */
const FOREIGN_SCHEME = /^(?!https?:|h[^:]*\*|\*)[A-Za-z][A-Za-z0-9+.-]*:\/\//i

function readResources(
  resources: unknown,
  side: Side,
): { readonly resources: readonly string[]; readonly losses: readonly Loss[] } {
  const losses: Loss[] = []
  const listed: readonly unknown[] = Array.isArray(resources) ? resources : []
  if (listed.length === 0) losses.push({ where: 'resources', why: 'it names no resources' })
  const found = listed.flatMap((pattern, at): readonly string[] => {
    const problem = typeof pattern === 'string' ? checkPattern(pattern) : 'a resource is a text'
    if (typeof pattern === 'string' && problem === undefined) return [pattern]
    const meansNothing = typeof pattern === 'string' && FOREIGN_SCHEME.test(pattern)
    const instead = side === 'inner' || meansNothing ? 'it is left out' : 'everything is meant instead'
    losses.push({ where: `resources.${at}`, why: `${JSON.stringify(pattern)}: ${problem}; ${instead}` })
    return side === 'inner' || meansNothing ? [] : EVERYTHING
  })
  return { resources: [...new Set(found)], losses }
}

function readAttributes(attributes: unknown, lose: LoseAt): readonly ResponseAttributeConfig[] {
  const listed: readonly unknown[] = Array.isArray(attributes) ? attributes : []
  return listed.flatMap((attribute, at) => {
    const parsed = responseAttributeSchema.safeParse(fieldsOf(attribute))
    if (parsed.success) return [parsed.data]
    lose(`resourceAttributes.${at}`, `left out: ${parsed.error.issues.map(({ message }) => message).join('; ')}`)
    return []
  })
}

type Combined = Pick<ReadPolicy & { readonly kind: 'read' }, 'policies' | 'losses'>

function combine(name: string, parts: Parts): Combined {
  const { common, allowed, denied, inner, outer } = parts
  const isAllowExact = allowed.length === 0 || inner.losses.length === 0
  const isDenyExact = denied.length === 0 || outer.losses.length === 0
  const losses = [
    ...parts.losses,
    ...(allowed.length === 0 ? [] : inner.losses),
    ...(denied.length === 0 ? [] : outer.losses).filter(
      ({ where, why }) =>
        allowed.length === 0 || !inner.losses.some((loss) => loss.where === where && loss.why === why),
    ),
  ]
  if (isAllowExact && isDenyExact) {
    const actions = { ...effects(allowed, 'allow'), ...effects(denied, 'deny') }
    return { policies: written({ name, ...common, actions }, allowed.length > 0 ? inner : outer), losses }
  }
  // It takes no part, and could not take the one it had.
  if (!common.active) return { policies: [], losses }
  const { responseAttributes: _ofAllows, ...plain } = common
  const isOnly = allowed.length === 0
  return {
    policies: [
      ...(allowed.length === 0 ? [] : written({ name, ...common, actions: effects(allowed, 'allow') }, inner)),
      ...(denied.length === 0
        ? []
        : written({ name: isOnly ? name : `${name} (denies)`, ...plain, actions: effects(denied, 'deny') }, outer)),
      ...(isAllowExact || !parts.asksForMore
        ? []
        : written({ name: `${name} (holds back)`, ...plain, actions: effects(allowed, 'deny') }, heldBack(parts))),
    ],
    losses,
  }
}

/** All for whom the policy might have asked for more before anything is allowed, and for whom it does not do so any more. */
function heldBack({ inner, outer }: Parts): Pick<Sided, 'subject' | 'condition' | 'resources'> {
  const unmet = negated(inner.condition, (condition) => ({ type: 'NOT', condition }))
  if (!inner.isConditionExact || inner.resources.length !== outer.resources.length)
    return { ...outer, condition: unmet }
  const lost = negated(inner.subject, (subject): SubjectConfig => ({ type: 'NOT', subject }))
  return { subject: both(outer.subject, lost), condition: unmet, resources: outer.resources }
}

function both(one: Bound<SubjectConfig>, other: Bound<SubjectConfig>): Bound<SubjectConfig> {
  if (one === 'never' || other === 'never') return 'never'
  if (one === 'always') return other
  return other === 'always' ? one : { type: 'AND', subjects: [one, other] }
}

function negated<T extends object>(bound: Bound<T>, negate: (inner: T) => T): Bound<T> {
  if (bound === 'never') return 'always'
  return bound === 'always' ? 'never' : negate(bound)
}

/** Without proof nobody is let in where OpenAM's policies did not mean it. */
function everybody(actions: WrittenPolicy['actions']): SubjectConfig {
  const known: SubjectConfig = { type: 'AuthenticatedUsers' }
  if (Object.values(actions).includes('allow')) return known
  return { type: 'OR', subjects: [known, { type: 'AnonymousUsers' }] }
}

/** Nothing where it could never hold. */
function written(
  policy: Omit<WrittenPolicy, 'resources' | 'subject' | 'condition'>,
  { subject, condition, resources }: Pick<Sided, 'subject' | 'condition' | 'resources'>,
): readonly WrittenPolicy[] {
  if (subject === 'never' || condition === 'never' || resources.length === 0) return []
  const { actions, responseAttributes, ...head } = policy
  return [
    {
      ...head,
      resources,
      actions,
      subject: subject === 'always' ? everybody(actions) : subject,
      ...(condition === 'always' ? {} : { condition }),
      ...(responseAttributes === undefined ? {} : { responseAttributes }),
    },
  ]
}

function effects<E extends 'allow' | 'deny'>(names: readonly string[], effect: E): Readonly<Record<string, E>> {
  return Object.fromEntries(names.map((name) => [name, effect]))
}
