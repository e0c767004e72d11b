import type { Resource, Step } from '../../policy/decision.ts'
import { ATTRIBUTES, CATEGORIES } from '../../policy/xacml/identifiers.ts'
import { DATA_TYPES } from '../../policy/xacml/data-types.ts'
import { individualRequests, type IndividualRequest } from '../../policy/xacml/individual.ts'
import { readQuestion as readXacml, type XacmlQuestion } from '../../policy/xacml/question.ts'
import type { XacmlProblem, XacmlRequest } from '../../policy/xacml/request.ts'
import { combineResults, indeterminate, resultOf, type XacmlResult } from '../../policy/xacml/result.ts'
import type { RealmName } from '../../base/brand.ts'
import type { RequestOrigin } from '../../session/session.ts'
import {
  atSite,
  DEFAULT_SET,
  readQuestion,
  type Asked,
  type EvaluateDeps,
  type Evaluation,
} from '../openam/policies/evaluate.ts'
import { parseResource } from '../openam/policies/resource.ts'
import { decisionOnNobody } from './nobody.ts'

/** Whose policies, and on whose behalf. The caller has the privilege. */
export interface XacmlAsking extends Evaluation {
  readonly realm: RealmName
  readonly origin: RequestOrigin
}

type Engine = Extract<Awaited<ReturnType<typeof readQuestion>>, { kind: 'read' }>

/** What is asked, and the results that are made of it; a problem is a result as well. */
interface Individual {
  readonly request: IndividualRequest
  readonly question: XacmlQuestion
  readonly resource: Resource
}

/**
 * Has a XACML request decided by the engine that answers OpenAM's `_action=evaluate`, and as it does. One result for each decision that
 * is asked for, or one for all of them.
 */
export async function decide(
  deps: EvaluateDeps,
  asking: XacmlAsking,
  request: XacmlRequest,
): Promise<readonly XacmlResult[]> {
  const individuals = individualRequests(request)
  if (!isList(individuals)) return [indeterminate(individuals)]
  const read = individuals.map((each) => readIndividual(each, asking))
  const engines = enginesFor(deps, asking, read.filter(isIndividual))
  const { returnPolicyIdList } = request
  const results: XacmlResult[] = []
  for (const each of read) {
    results.push(isIndividual(each) ? await judged(await engines(each), each, { asking, returnPolicyIdList }) : each)
  }
  return request.combinedDecision ? [combineResults(results)] : results
}

function isList(found: ReturnType<typeof individualRequests>): found is readonly IndividualRequest[] {
  return Array.isArray(found)
}

function isIndividual(read: Individual | XacmlResult): read is Individual {
  return 'question' in read
}

function readIndividual(request: IndividualRequest, asking: XacmlAsking): Individual | XacmlResult {
  const read = readXacml(request, asking.realm)
  if (read.kind === 'problem') return indeterminate(read.problem, request)
  const { question } = read
  const resource = parseResource(atSite(question.resource, asking))
  if (resource !== undefined) return { request, question, resource }
  const message = `${ATTRIBUTES.resourceId}: this is no http or https URL that every server reads in the same way`
  return indeterminate({ code: 'syntax-error', message }, request)
}

/** Who the subject is is found out once for all that is asked about them. */
function enginesFor(deps: EvaluateDeps, asking: XacmlAsking, individuals: readonly Individual[]) {
  const groups = Map.groupBy(individuals, keyOf)
  const engines = new Map<string, Promise<Engine | XacmlProblem>>()
  return (individual: Individual): Promise<Engine | XacmlProblem> => {
    const key = keyOf(individual)
    const known = engines.get(key) ?? engineFor(deps, asking, groups.get(key) ?? [individual])
    engines.set(key, known)
    return known
  }
}

function keyOf({ question: { subject, environment, policySet, at } }: Individual): string {
  return JSON.stringify([subject, environment, policySet, at])
}

async function engineFor(
  deps: EvaluateDeps,
  { realm, origin, ...evaluation }: XacmlAsking,
  individuals: readonly Individual[],
): Promise<Engine | XacmlProblem> {
  const [first] = individuals
  if (first === undefined) throw new TypeError('a group has members')
  const { question } = first
  const asked = askedOf(question)
  const read = await readQuestion(
    deps,
    { address: { realm }, origin },
    { ...evaluation, asked, resources: individuals, at: question.at },
  )
  return read.kind === 'read' ? read : { code: 'processing-error', message: read.message }
}

/** What says more in `evaluate` than an attribute of that id does here. */
const RESERVED: readonly string[] = ['requestIp', 'IP', 'requestDnsName', 'scope', 'TxId']

/** As a client of OpenAM would write it. */
function askedOf({ policySet, subject, environment }: XacmlQuestion): Asked {
  const { username, ssoToken, accessToken } = subject
  const { addresses, clientNames, scopes, transaction, others } = environment
  return {
    application: policySet,
    subject: {
      ...(ssoToken === undefined ? {} : { ssoToken }),
      ...(accessToken === undefined ? {} : { jwt: accessToken }),
      ...(username === undefined ? {} : { claims: { sub: username } }),
    },
    environment: {
      ...Object.fromEntries(others.filter(([id]) => !RESERVED.includes(id)).map(([id, values]) => [id, [...values]])),
      requestIp: [...addresses],
      ...(clientNames.length === 0 ? {} : { requestDnsName: [...clientNames] }),
      ...(scopes.length === 0 ? {} : { scope: [...scopes] }),
      ...(transaction === undefined ? {} : { TxId: [transaction] }),
    },
  }
}

async function judged(
  engine: Engine | XacmlProblem,
  { request, question, resource }: Individual,
  {
    asking: { policies, realm },
    returnPolicyIdList,
  }: { readonly asking: XacmlAsking; readonly returnPolicyIdList: boolean },
): Promise<XacmlResult> {
  if ('code' in engine) return indeterminate(engine, request)
  const { action, at, policySet = DEFAULT_SET } = question
  const { decisions, advices, validUntil } = await engine.judge(resource, 'request', action)
  const decision = decisions.get(action)
  if (decision === undefined) {
    const onNobody = decisionOnNobody(policies, realm, { policySet, resource, action })
    const found = { decision: onNobody, advices: {}, validUntil: undefined }
    return resultOf(found, { request, returnPolicyIdList })
  }
  const isUnmet = decision.reason === 'condition-failed' && Object.keys(advices).length === 0
  const unsaid = isUnmet ? await engine.unsaid(resource, action) : []
  if (unsaid.length > 0) return indeterminate(missing(unsaid, question), request)
  const found = { decision, advices, validUntil: at === undefined ? validUntil : undefined }
  return resultOf(found, { request, returnPolicyIdList })
}

/** Conditions ask about what the caller alone can say: an Indeterminate{P} (XACML Core 3.0 §7.10). */
function missing(unsaid: readonly Step[], { environment: { addresses } }: XacmlQuestion): XacmlProblem {
  const told = unsaid.map(({ type, because = 'not said' }) => `${type}: ${because}`).join('; ')
  const problem = {
    code: 'missing-attribute',
    message: `a condition asks about what is not said (Indeterminate{P}): ${told}`,
  } as const
  if (!unsaid.some(({ type }) => type === 'IPv4' || type === 'IPv6')) return problem
  const [id, type] =
    addresses.length === 0 ? [ATTRIBUTES.address, DATA_TYPES.ipAddress] : [ATTRIBUTES.names, DATA_TYPES.dnsName]
  return { ...problem, missing: { category: CATEGORIES.Environment, id, type } }
}
