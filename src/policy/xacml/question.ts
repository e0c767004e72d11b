import type { EpochMs, RealmName } from '../../base/brand.ts'
import { DATA_TYPES, typeName } from './data-types.ts'
import { ATTRIBUTES, CATEGORIES, OF_MANY_RESOURCES, OTHER_SUBJECTS } from './identifiers.ts'
import type { IndividualRequest } from './individual.ts'
import type { MissingAttribute, XacmlProblem } from './request.ts'

/** What one individual request asks. */
export interface XacmlQuestion {
  /** As it is written. */
  readonly resource: string
  /** Upper case; HEAD is decided as GET. */
  readonly action: string
  /** `undefined` where the request does not say. */
  readonly policySet: string | undefined
  readonly subject: {
    /** A name of the realm. */
    readonly username: string | undefined
    readonly ssoToken: string | undefined
    readonly accessToken: string | undefined
  }
  readonly environment: {
    readonly addresses: readonly string[]
    readonly clientNames: readonly string[]
    readonly scopes: readonly string[]
    readonly transaction: string | undefined
    /** All that is said besides, by id. */
    readonly others: readonly (readonly [id: string, values: readonly string[]])[]
  }
  /** The time that it is asked for, in place of the present; `undefined` where it is about now. */
  readonly at: EpochMs | undefined
}

export type QuestionReading =
  | { readonly kind: 'question'; readonly question: XacmlQuestion }
  | { readonly kind: 'problem'; readonly problem: XacmlProblem }

type Category = keyof typeof CATEGORIES
type Type = keyof typeof DATA_TYPES

/** Thrown out of the attribute that is wrong. */
class Problem extends Error {
  readonly problem: XacmlProblem
  constructor(problem: XacmlProblem) {
    super(problem.message)
    this.problem = problem
  }
}

/**
 * What an individual request asks of a realm. Attributes that no decision takes note of are passed over: policies cannot ask for them (XACML Core
 * 3.0 §7.3.5). What would make it another question is not: a second subject, a second value where one is meant, a scope.
 */
export function readQuestion(request: IndividualRequest, realm: RealmName): QuestionReading {
  try {
    return { kind: 'question', question: questionOf(request, realm) }
  } catch (caught) {
    if (caught instanceof Problem) return { kind: 'problem', problem: caught.problem }
    throw caught
  }
}

function questionOf(request: IndividualRequest, realm: RealmName): XacmlQuestion {
  refuseOtherMatters(request)
  const subject = subjectOf(request, realm)
  const resource = required(request, 'Resource', ATTRIBUTES.resourceId, ['anyURI', 'string'])
  const action = required(request, 'Action', ATTRIBUTES.actionId, ['string']).toUpperCase()
  const addresses = [
    ...all(request, 'AccessSubject', ATTRIBUTES.subjectAddress, ['ipAddress', 'string']),
    ...all(request, 'Environment', ATTRIBUTES.address, ['ipAddress', 'string']),
  ]
  return {
    resource,
    action: action === 'HEAD' ? 'GET' : action,
    policySet: one(request, 'Resource', ATTRIBUTES.policySet, ['string']),
    subject,
    environment: {
      addresses: addresses.map(unbracketed),
      clientNames: [
        ...all(request, 'AccessSubject', ATTRIBUTES.subjectNames, ['dnsName', 'string']),
        ...all(request, 'Environment', ATTRIBUTES.names, ['dnsName', 'string']),
      ],
      scopes: all(request, 'Environment', ATTRIBUTES.scopes, ['string']),
      transaction: one(request, 'Environment', ATTRIBUTES.transaction, ['string']),
      others: othersOf(request),
    },
    at: timeOf(request),
  }
}

function refuseOtherMatters(request: IndividualRequest): void {
  for (const { category, attributes } of request) {
    if (OTHER_SUBJECTS.includes(category))
      throw mistake(`${category}: policies here know of one subject, the access-subject`)
    const scope = attributes.find(({ id }) => OF_MANY_RESOURCES.includes(id))
    const isOfOne = scope?.values.every(({ text }) => text === 'Immediate')
    if (isOfOne === false) throw mistake(`${scope?.id}: each resource has to be named by itself`)
  }
}

function subjectOf(request: IndividualRequest, realm: RealmName): XacmlQuestion['subject'] {
  const username = one(request, 'AccessSubject', ATTRIBUTES.subjectId, ['string'])
  const ssoToken = one(request, 'AccessSubject', ATTRIBUTES.ssoToken, ['string'])
  const accessToken = one(request, 'AccessSubject', ATTRIBUTES.accessToken, ['string'])
  if ((username ?? ssoToken ?? accessToken) === undefined)
    throw missing({ category: CATEGORIES.AccessSubject, id: ATTRIBUTES.subjectId, type: DATA_TYPES.string })
  const qualifier = one(request, 'AccessSubject', ATTRIBUTES.qualifier, ['string', 'anyURI'])
  // Somebody of the same name elsewhere is somebody else.
  if (qualifier !== undefined && qualifier !== realm)
    throw mistake(`${ATTRIBUTES.qualifier}: this is asked of the realm ${realm}`)
  return { username, ssoToken, accessToken }
}

const KNOWN: readonly string[] = Object.values(ATTRIBUTES)

function othersOf(request: IndividualRequest): XacmlQuestion['environment']['others'] {
  const said = new Map<string, readonly string[]>()
  const all = request
    .filter(({ category }) => category === CATEGORIES.Environment)
    .flatMap(({ attributes }) => attributes)
  for (const { id, values } of all)
    if (!KNOWN.includes(id)) said.set(id, [...(said.get(id) ?? []), ...values.map(({ text }) => text)])
  return [...said]
}

/** IPv6 stands in brackets (XACML Core 3.0 §A.2). */
function unbracketed(address: string): string {
  return /^\[([^\]]*)\]$/.exec(address)?.[1] ?? address
}

const ZONED = /(?:Z|[+-]\d\d:\d\d)$/

function timeOf(request: IndividualRequest): EpochMs | undefined {
  const at = one(request, 'Environment', ATTRIBUTES.currentDateTime, ['dateTime'])
  const parts = [
    one(request, 'Environment', ATTRIBUTES.currentDate, ['date']),
    one(request, 'Environment', ATTRIBUTES.currentTime, ['time']),
  ].filter((part) => part !== undefined)
  const whole = ATTRIBUTES.currentDateTime
  if (at === undefined) {
    if (parts.length > 0)
      throw mistake(`${whole}: a date or a time alone is none that policies can go by; send it, too`)
    return undefined
  }
  const instant = Date.parse(at)
  if (!ZONED.test(at) || Number.isNaN(instant)) throw mistake(`${whole}: a time with its zone is needed`)
  if (parts.some((part) => !at.includes(part.replace(ZONED, ''))))
    throw mistake(`${whole}: current-date and current-time say something else`)
  return instant as EpochMs
}

/** All values of an attribute, of whatever issuer. */
function all(request: IndividualRequest, category: Category, id: string, types: readonly Type[]): readonly string[] {
  const found = request.filter((each) => each.category === CATEGORIES[category]).flatMap(({ attributes }) => attributes)
  return found
    .filter((attribute) => attribute.id === id)
    .flatMap(({ values }) => values)
    .map(({ type, text }) => {
      if (types.some((name) => DATA_TYPES[name] === type)) return text
      throw mistake(`${id}: it is of the type ${typeName(type)}, and ${types.join(' or ')} is needed`)
    })
}

function one(request: IndividualRequest, category: Category, id: string, types: readonly Type[]): string | undefined {
  const [value, another] = all(request, category, id, types)
  if (another !== undefined) throw mistake(`${id}: it has several values, and one is meant`)
  if (value === '') throw mistake(`${id}: its value is empty`)
  return value
}

function required(
  request: IndividualRequest,
  category: Category,
  id: string,
  types: readonly [Type, ...Type[]],
): string {
  const value = one(request, category, id, types)
  if (value === undefined) throw missing({ category: CATEGORIES[category], id, type: DATA_TYPES[types[0]] })
  return value
}

function mistake(message: string): Problem {
  return new Problem({ code: 'syntax-error', message })
}

function missing(attribute: MissingAttribute): Problem {
  return new Problem({ code: 'missing-attribute', message: `${attribute.id} is missing`, missing: attribute })
}
