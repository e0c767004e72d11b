import { z } from 'zod'
import type { EpochMs } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import { canonicalAddress } from '../../../http/forwarded.ts'
import type { AccessQuery, Advices, Resource, Step } from '../../../policy/decision.ts'
import { FOREVER } from '../../../policy/evaluate.ts'
import type { RequestOrigin, Session, SessionService } from '../../../session/session.ts'
import type { AskedRequest, Transactions } from '../../../session/transactions.ts'
import type { AuditSink } from '../../../telemetry/audit.ts'
import type { Call } from '../call.ts'
import { ok, problem, type Reply } from '../reply.ts'
import { judge, NOTHING, type Judged } from './judged.ts'
import { asNumber, LONG_MAX } from './long.ts'
import type { RealmPolicies } from './realm-policies.ts'
import { formatResource, parseResource } from './resource.ts'
import { readSubject, subjectSchema, type Person, type Subject, type SubjectDeps } from './subject.ts'
import { resourcesBelow } from './tree.ts'

export interface EvaluateDeps extends SubjectDeps {
  readonly sessions: Pick<SessionService, 'resolve' | 'end'>
  readonly transactions: Pick<Transactions, 'ask' | 'redeem'>
  readonly audit: AuditSink
  readonly clock: Clock
}

/** Resources of one call. */
const MOST_RESOURCES = 200
/** Which policies are asked where nobody says which. */
export const DEFAULT_SET = 'iPlanetAMWebAgentService'

export const shared = {
  application: z.string().nullish(),
  subject: subjectSchema.nullish(),
  environment: z.record(z.string(), z.array(z.string())).nullish(),
}
const manySchema = z.object({ ...shared, resources: z.array(z.string()).min(1).max(MOST_RESOURCES) })
const treeSchema = z.object({ ...shared, resource: z.string() })

export type Asked = z.infer<z.ZodObject<typeof shared>>

/** Whose policies, and who asks. The caller has the privilege. */
export interface Evaluation {
  readonly policies: RealmPolicies
  /** `undefined` for an agent, which is nobody that policies know. */
  readonly caller: Session | undefined
  /** Origin of the agent's own site, where resources are that it names without one. */
  readonly site: string | undefined
}

/** `POST …/policies?_action=evaluate`: what the subject may do with each of some resources. */
export async function evaluate(deps: EvaluateDeps, call: Call, evaluation: Evaluation): Promise<Reply> {
  const parsed = manySchema.safeParse(call.body)
  if (!parsed.success) return misread(parsed.error)
  const resources = [...new Set(parsed.data.resources)].map((text) => ({
    text,
    resource: parseResource(atSite(text, evaluation)),
  }))
  const read = await readQuestion(deps, call, { ...evaluation, asked: parsed.data, resources })
  if (read.kind === 'refused') return problem(400, read.message)
  const results: object[] = []
  for (const { text, resource } of resources) results.push(told(text, await read.judge(resource, 'request')))
  return ok(results)
}

/** `…?_action=evaluateTree`: the same for a resource, and for all that policies write below it. */
export async function evaluateTree(deps: EvaluateDeps, call: Call, evaluation: Evaluation): Promise<Reply> {
  const parsed = treeSchema.safeParse(call.body)
  if (!parsed.success) return misread(parsed.error)
  const { resource: text, application } = parsed.data
  const root = { text, resource: parseResource(atSite(text, evaluation)) }
  const read = await readQuestion(deps, call, { ...evaluation, asked: parsed.data, resources: [root] })
  if (read.kind === 'refused') return problem(400, read.message)
  const { policies } = evaluation.policies
  const below = root.resource === undefined ? [] : resourcesBelow(root.resource, policies, application ?? DEFAULT_SET)
  const results = [told(text, await read.judge(root.resource, 'tree'))]
  for (const resource of below) results.push(told(formatResource(resource), await read.judge(resource, 'tree')))
  return ok(results)
}

/** OpenAM's agent for Node.js asks about paths of its own site. */
export function atSite(text: string, { site }: Pick<Evaluation, 'site'>): string {
  return site !== undefined && text.startsWith('/') ? `${site}${text}` : text
}

/** What is wrong with a body. */
export function misread({ issues: [issue] }: z.ZodError): Reply {
  return problem(400, issue === undefined ? undefined : `${issue.path.join('.') || 'body'}: ${issue.message}`)
}

interface Question extends Evaluation {
  readonly asked: Asked
  readonly resources: readonly { readonly resource: Resource | undefined }[]
  /** The present where absent. About another time nothing is done, only told. */
  readonly at?: EpochMs | undefined
}

/** A request is judged with its approvals; of a tree nobody can approve anything. */
type Use = 'request' | 'tree'

type ReadQuestion =
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'read'
      /** About one action, or all that policies of the set name. */
      judge(resource: Resource | undefined, use: Use, action?: string): Promise<Judged>
      /** Conditions that stand in the way because they ask about what the question does not say. */
      unsaid(resource: Resource, action: string): Promise<readonly Step[]>
    }

/** Everything of a question that does not depend on the resource. */
export async function readQuestion(
  deps: EvaluateDeps,
  { address, origin }: Pick<Call, 'origin'> & { readonly address: Pick<Call['address'], 'realm'> },
  question: Question,
): Promise<ReadQuestion> {
  const { policies, caller, asked, at } = question
  const policySet = asked.application ?? DEFAULT_SET
  if (!policies.sets.has(policySet)) return refused(`application: there is no policy set ${policySet} in this realm`)
  const clientIp = addressIn(asked.environment ?? {})
  if (clientIp === undefined) return refused('environment: requestIp and IP are one address each')
  const resources = question.resources.flatMap(({ resource }) => resource ?? [])
  const who = { realm: address.realm, policies, caller, resources, asked: asked.subject ?? {} }
  const subject = await readSubject(deps, who)
  if (subject === undefined) return refused('subject: the token or name is nobody’s here, or of several people')
  const { TxId: [transaction] = [], requestDnsName: clientNames, scope } = asked.environment ?? {}
  const environment = new Map(Object.entries(asked.environment ?? {}))
  const scopes = scope?.flatMap((list) => list.split(' '))
  const told = { clientIp, clientNames, environment, scopes, claims: claimsOf(asked) }
  // An agent is about to let somebody in or not; administrators only look.
  const enforcing = caller === undefined && at === undefined ? origin : undefined
  const about = { policySet, told, transaction, subject, origin, enforcing, at }
  return {
    kind: 'read',
    judge(resource, use, action) {
      const asked = action === undefined ? policies : ofAction(policies, policySet, action)
      return judgeFor(deps, { ...about, policies: asked }, { resource, use: at === undefined ? use : 'tree' })
    },
    async unsaid(resource, action) {
      const found = await questionAt(deps, { ...about, policies }, resource)
      if (found === undefined) return []
      const { decision, trace } = policies.pdp.explain({ ...found.query, action })
      const own = trace.filter(({ policy }) => decision.policies.includes(policy))
      return own.flatMap(({ condition }) => (condition === undefined ? [] : unknownIn(condition)))
    },
  }
}

/** The parts without parts that nobody could judge, where that is why the whole could not be. */
function unknownIn(step: Step): readonly Step[] {
  if (step.outcome !== 'unknown') return []
  return step.parts === undefined ? [step] : step.parts.flatMap(unknownIn)
}

function ofAction(policies: RealmPolicies, policySet: string, action: string): RealmPolicies {
  return { ...policies, sets: new Map([[policySet, new Set([action])]]) }
}

function refused(message: string): ReadQuestion {
  return { kind: 'refused', message }
}

/** Newer agents write `requestIp`, older ones `IP`. Empty where neither is given; `undefined` for what is not one address. */
export function addressIn({ requestIp, IP }: Readonly<Record<string, readonly string[]>>): string | undefined {
  const values = [...(requestIp ?? []), ...(IP ?? [])]
  const addresses = new Set(values.map(canonicalAddress))
  if (addresses.size === 0) return ''
  return addresses.size === 1 ? [...addresses][0] : undefined
}

/** What a caller says of a token it has verified; what our own says counts in any case. */
export function claimsOf({ subject }: Pick<Asked, 'subject'>): AccessQuery['claims'] {
  const { claims, jwt } = subject ?? {}
  return claims === undefined && jwt === undefined ? undefined : { ...claims, ...(jwt && payloadOf(jwt)) }
}

/** Of a token that was found good. */
function payloadOf(jwt: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Readonly<Record<string, unknown>>
}

interface About {
  readonly policies: RealmPolicies
  readonly policySet: string
  /** What the caller says about the client and its token. */
  readonly told: Pick<AccessQuery, 'clientIp' | 'clientNames' | 'environment' | 'scopes' | 'claims'>
  readonly transaction: string | undefined
  readonly subject: Subject
  readonly origin: RequestOrigin
  /** Set where the answer is for a request that waits for it: on whose behalf a session ends that is too old for it. */
  readonly enforcing: RequestOrigin | undefined
  readonly at: EpochMs | undefined
}

/** `undefined`: the subject is nobody there. */
async function questionAt(
  { clock }: Pick<EvaluateDeps, 'clock'>,
  { policySet, subject, told, at }: About,
  resource: Resource,
): Promise<{ readonly query: Omit<AccessQuery, 'action'>; readonly person: Person } | undefined> {
  const person = await subject(resource)
  if (person === undefined) return undefined
  const { subject: session, facts } = person
  return { query: { policySet, resource, session, facts, now: at ?? clock(), ...told }, person }
}

async function judgeFor(
  deps: EvaluateDeps,
  about: About,
  { resource, use }: { readonly resource: Resource | undefined; readonly use: Use },
): Promise<Judged> {
  const { policies } = about
  const found = resource && (await questionAt(deps, about, resource))
  if (found === undefined) return NOTHING
  const { query, person } = found
  const judged = judge(policies, query)
  if (judged.endsSession && about.enforcing !== undefined && person.session !== undefined)
    await deps.sessions.end(person.session.sid, 'max-life', about.enforcing)
  if (judged.advices.TransactionConditionAdvice === undefined) return judged
  if (use === 'tree') {
    const { TransactionConditionAdvice: _ofNobody, ...others } = judged.advices
    return withAdvices(judged, others)
  }
  return approved(deps, about, { query, person, judged })
}

/**
 * What needs an approval: with the id of one that was given it passes, once. Other advices come first, since an approval that does not
 * open anything would be asked for in vain.
 */
async function approved(
  deps: EvaluateDeps,
  { policies, transaction, origin }: About,
  {
    query,
    person,
    judged,
  }: { readonly query: Omit<AccessQuery, 'action'>; readonly person: Person; readonly judged: Judged },
): Promise<Judged> {
  const then = judge(policies, { ...query, approved: true })
  if (Object.keys(then.advices).length > 0) return withAdvices(judged, then.advices)
  const { session } = person
  const asked = session && askedRequest(policies, { resource: query.resource, session, judged })
  if (session === undefined || asked === undefined) return withAdvices(judged, {})
  if (transaction !== undefined && (await deps.transactions.redeem(asked, transaction)) !== undefined) {
    note(deps, { asked, session, path: query.resource.path, transaction, origin })
    return then
  }
  const id = await deps.transactions.ask(asked)
  return withAdvices(judged, id === undefined ? {} : { TransactionConditionAdvice: [id] })
}

/** Whoever looks into a transfer has to find who approved it and when it passed, whichever agent let it through. */
function note(
  { audit, clock }: Pick<EvaluateDeps, 'audit' | 'clock'>,
  {
    asked: { agent, method },
    session: { realm, username, sid },
    path,
    transaction,
    origin: { requestId, clientIp },
  }: {
    readonly asked: AskedRequest
    readonly session: Session
    readonly path: string
    readonly transaction: string
    readonly origin: RequestOrigin
  },
): void {
  const about = { realm, username, sid, agent, method, path, transaction }
  audit.record({ event: 'TransactionRedeemed', at: clock(), requestId, clientIp, ...about })
}

function askedRequest(
  policies: RealmPolicies,
  { resource, session, judged }: { readonly resource: Resource; readonly session: Session; readonly judged: Judged },
): AskedRequest | undefined {
  const agent = policies.siteOf(resource)?.agent
  if (agent === undefined) return undefined
  return {
    session,
    agent,
    method: judged.advised.join(', '),
    url: formatResource(resource),
    // No hash of any body: such an approval opens nothing at the gateway, nor one of the gateway's anything here.
    content: 'policies?_action=evaluate',
    requirements: judged.advices.TransactionConditionAdvice ?? [],
  }
}

/** Not to be remembered: the next answer may be another. */
function withAdvices(judged: Judged, advices: Advices): Judged {
  return { ...judged, advices, validUntil: 0 as EpochMs }
}

function told(resource: string, { actions, attributes, advices, validUntil }: Judged): object {
  return { resource, actions, attributes, advices, ttl: ttlOf(validUntil) }
}

/** Until when an answer counts, as OpenAM writes it: the largest long where no clock changes it. */
export function ttlOf(validUntil: EpochMs): unknown {
  return validUntil === FOREVER ? asNumber(LONG_MAX) : validUntil
}
