import { z } from 'zod'
import type { EpochMs } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import type { AccessQuery, Decision, Explanation, Facts, PolicySubject, Resource } from '../../../policy/decision.ts'
import type { BearerResolver } from '../../../session/bearer.ts'
import type { Session, SessionService } from '../../../session/session.ts'
import type { Call } from '../call.ts'
import { ok, problem, type Reply } from '../reply.ts'
import { addressIn, claimsOf, DEFAULT_SET, misread, shared, ttlOf } from './evaluate.ts'
import type { RealmPolicies, SiteExplanation } from './realm-policies.ts'
import { parseResource, splitResource } from './resource.ts'
import { readSubject, subjectSchema } from './subject.ts'

export interface ExplainDeps {
  readonly sessions: Pick<SessionService, 'resolve' | 'find'>
  readonly bearer: Pick<BearerResolver, 'resolve'>
  readonly clock: Clock
}

const seconds = z
  .number()
  .min(0)
  .max(10 ** 9)

/** What the session would have proved, in place of what it has. */
const sessionSchema = z.strictObject({
  authLevel: z.int().min(0).max(9_999).optional(),
  authModules: z.array(z.string()).optional(),
  /** Seconds since the person has proved who they are, and since the session began. */
  authAge: seconds.optional(),
  age: seconds.optional(),
  properties: z.record(z.string(), z.string()).optional(),
})

const explainSchema = z.object({
  ...shared,
  resources: z.array(z.string()).min(1).max(20),
  action: z.string().min(1).max(100).default('GET'),
  subject: subjectSchema
    .extend({ sid: z.string().min(1) })
    .partial()
    .nullish(),
  session: sessionSchema.nullish(),
  at: z.iso.datetime({ offset: true }).optional(),
  /** As if the person had approved exactly this request. */
  approved: z.boolean().default(false),
})

type Asked = z.infer<typeof explainSchema>

/** Whose policies, and the administrator who asks. */
export interface ExplainQuestion {
  readonly policies: RealmPolicies
  readonly caller: Session
}

/** Somebody, as policies see them. */
interface Who {
  readonly session: PolicySubject
  readonly facts: Facts
}

/**
 * `POST …/policies?_action=explain`: what is decided about a request, by which policies, and on what value. Where a site of ours has the
 * resource and no policy set is named, it is the decision that the gateway enforces there. Changes nothing and approves nothing.
 */
export async function explain(deps: ExplainDeps, call: Call, { policies, caller }: ExplainQuestion): Promise<Reply> {
  const parsed = explainSchema.safeParse(call.body)
  if (!parsed.success) return misread(parsed.error)
  const asked = parsed.data
  const { application } = asked
  if (typeof application === 'string' && !policies.sets.has(application))
    return problem(400, `application: there is no policy set ${application} in this realm`)
  const ip = addressIn(asked.environment ?? {})
  if (ip === undefined) return problem(400, 'environment: requestIp and IP are one address each')
  const places = asked.resources.flatMap((text) => splitResource(text)?.resource ?? [])
  const whoAt = await readWho(deps, call, { policies, caller, asked, places })
  if (whoAt === undefined)
    return problem(400, 'subject: the token, session or name is nobody’s here, or of several people')
  const now = asked.at === undefined ? deps.clock() : (Date.parse(asked.at) as EpochMs)
  const results: object[] = []
  for (const resource of asked.resources) {
    const told = await explainOne(resource, { policies, asked, ip, now, whoAt })
    results.push({ resource, action: asked.action.toUpperCase(), ...told })
  }
  return ok(results)
}

interface Question {
  readonly policies: RealmPolicies
  readonly asked: Asked
  readonly ip: string
  readonly now: EpochMs
  readonly whoAt: (resource: Resource) => Promise<Who | undefined>
}

async function explainOne(text: string, question: Question): Promise<object> {
  const { policies, asked, ip, now, whoAt } = question
  const split = splitResource(text)
  if (split === undefined) return { refused: 'this is no http(s) URL' }
  const who = await whoAt(split.resource)
  if (who === undefined) return { refused: 'the subject is nobody at this resource' }
  const asker = { session: said(who.session, asked.session ?? {}, now), facts: who.facts, now }
  const action = asked.action.toUpperCase()
  const { approved } = asked
  const environment = asked.environment ?? {}
  const site = typeof asked.application !== 'string' ? policies.siteOf(split.resource) : undefined
  if (site?.explain !== undefined) {
    const told = site.explain({ target: split.target, method: action, ip, environment, approved }, asker)
    return { site: site.agent, policySet: site.policySet, ...inWords(told, asker) }
  }
  const resource = parseResource(text)
  if (resource === undefined) return { refused: 'this address can be read in two ways: no policy covers it' }
  const { requestDnsName: clientNames, scope } = environment
  const policySet = asked.application ?? site?.policySet ?? DEFAULT_SET
  const told: Pick<AccessQuery, 'clientNames' | 'environment' | 'scopes' | 'claims'> = {
    clientNames,
    environment: new Map(Object.entries(environment)),
    scopes: scope?.flatMap((list) => list.split(' ')),
    claims: claimsOf(asked),
  }
  const explanation = policies.pdp.explain({ policySet, resource, action, clientIp: ip, approved, ...asker, ...told })
  return { policySet, ...inWords({ kind: 'asked', explanation }, asker) }
}

async function readWho(
  deps: ExplainDeps,
  { address }: Call,
  {
    asked,
    places: resources,
    ...question
  }: ExplainQuestion & { readonly asked: Asked; readonly places: readonly Resource[] },
): Promise<Question['whoAt'] | undefined> {
  const { sid, ...others } = asked.subject ?? {}
  const { realm } = address
  if (sid === undefined) {
    const subject = await readSubject(deps, { realm, ...question, asked: others, resources })
    return (
      subject && ((resource) => subject(resource).then((person) => person && { ...person, session: person.subject }))
    )
  }
  const session = Object.keys(others).length === 0 ? await deps.sessions.find(sid) : undefined
  if (session?.realm !== realm) return undefined
  const facts = await question.policies.factsOf(session)
  return facts && (() => Promise.resolve({ session, facts }))
}

function said(session: PolicySubject, other: z.infer<typeof sessionSchema>, now: EpochMs): PolicySubject {
  const { authLevel = session.authLevel, authModules = session.authModules, authAge, age } = other
  return {
    ...session,
    authLevel,
    authModules,
    authInstant: authAge === undefined ? session.authInstant : ((now - authAge * 1_000) as EpochMs),
    createdAt: age === undefined ? session.createdAt : ((now - age * 1_000) as EpochMs),
    properties: { ...session.properties, ...other.properties },
  }
}

function inWords(told: SiteExplanation, { session, facts }: Who): object {
  if (told.kind !== 'asked') return { [told.kind]: told.why }
  const { username, realm, authLevel, authModules } = session
  return {
    ...decided(told.explanation),
    subject: { username, realm, authLevel, authModules, groups: [...facts.groups] },
    trace: told.explanation.trace,
  }
}

function decided({ decision }: Explanation): Omit<Decision, 'validUntil'> & { readonly ttl: unknown } {
  const { validUntil, ...others } = decision
  return { ...others, ttl: ttlOf(validUntil) }
}
