import type { RealmName } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import type { EditPlan } from '../../../base/kept-list.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import type { Session } from '../../../session/session.ts'
import type { AuditSink } from '../../../telemetry/audit.ts'
import type { PolicyAdmin } from '../../ports.ts'
import { sessionOf, type Call } from '../call.ts'
import { FORBIDDEN, problem, UNAUTHORIZED, type Reply } from '../reply.ts'
import { policyDocument, URL_TYPE } from './documents.ts'
import { mayWrite } from './privilege.ts'
import type { ReadDeps } from './read.ts'
import { namesRevision, revised, withTag, type Revised } from './revision.ts'
import { inFewWords, readPolicy } from './translate/policy-from.ts'

export interface WriteDeps extends ReadDeps {
  readonly policyAdmin: PolicyAdmin
  readonly audit: AuditSink
  readonly clock: Clock
}

/** `put` creates what is not there and changes what is, unless the request says which of them it means. */
export type Writing = 'create' | 'put' | 'delete'

/** `POST …/policies?_action=create`, `PUT` and `DELETE …/policies/NAME`: for administrators of the realm. */
export async function writePolicy(deps: WriteDeps, call: Call, writing: Writing): Promise<Reply> {
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const { realm, id } = call.address
  const asked = writing === 'delete' ? undefined : readBody(call)
  const name = id ?? asked?.name ?? ''
  const action = writing === 'put' ? 'update' : writing
  if (!(await mayWrite(deps.people, caller, realm)) || deps.policiesOf(realm) === undefined) {
    note(deps, call, { caller, policy: name, action, outcome: 'refused' })
    return FORBIDDEN
  }
  if (asked !== undefined && 'refusal' in asked) return asked.refusal
  if (name === '') return problem(400, 'name: name the policy')
  // Whoever says the word, in whatever way, does not mean to write.
  const isTrial = (call.query('_dryRun') ?? 'false') !== 'false'
  let old: Revised | undefined
  const plan = (policies: readonly PolicyConfig[]): EditPlan<Reply> => {
    const index = policies.findIndex((policy) => policy.name === name)
    const known = policies[index]
    old = known && documentOf(realm, known)
    const refused = refusalOf(call, { writing, old, asked, policies })
    if (refused !== undefined) return { kind: 'refused', refused }
    const before = known && writtenOf(realm, known)
    return {
      kind: 'edit',
      edit: { index: known === undefined ? policies.length : index, before, after: asked?.written },
    }
  }
  const changed = await deps.policyAdmin.change(realm, plan, { isTrial })
  if (changed.kind === 'refused') return changed.refused
  if (changed.kind === 'conflict') return problem(409, changed.why)
  if (changed.kind === 'invalid') return problem(400, changed.problems.join('; '))
  const policy = asked && changed.items.find((each) => each.name === asked.name)
  const now = policy && documentOf(realm, policy)
  if (!isTrial)
    note(deps, call, {
      ...{ caller, policy: name, outcome: 'done', before: old, after: now },
      action: old === undefined ? 'create' : now === undefined ? 'delete' : 'update',
    })
  return replyWith(old, now, { isAccepted: !isTrial && !changed.isInForce })
}

interface Asked {
  readonly name: string
  readonly written: object
}

/** What is to be written; everything that OpenAM's words say and ours do not is refused, not left out. */
function readBody({
  address,
  body,
}: Call): (Asked & { readonly refusal?: never }) | { readonly name?: never; readonly refusal: Reply } {
  const { realm, id } = address
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  if (!isObject) return { refusal: problem(400, 'the body is a policy, as JSON') }
  const isNamed = id === undefined || ('name' in body && body.name !== null)
  const read = readPolicy(isNamed ? body : { ...body, name: id }, ours(realm))
  if (read.kind === 'unreadable') return { refusal: problem(400, `this policy cannot be read: ${read.why}`) }
  const [policy, ...others] = read.policies
  const problems = read.losses.map(({ where, why }) => `${where}: ${why}`)
  if (policy === undefined || others.length > 0 || problems.length > 0)
    return { refusal: problem(400, problems.join('; ') || 'this policy could never take part') }
  const { resourceType: type } = read
  const resourceType = type === undefined || type === URL_TYPE.uuid ? {} : { resourceType: type }
  return { name: read.name, written: inFewWords({ ...policy, ...resourceType }) }
}

/** Names of modules and chains are ours; whether they are there, the check of the configuration says. */
function ours(realm: RealmName) {
  const same = (name: string): string => name
  return { realm, moduleOf: same, chainOf: same, timeZone: 'UTC', isOurs: true }
}

/** As it is written: what a policy says in the same words as before is left alone. Nothing of one that these words do not say exactly. */
function writtenOf(realm: RealmName, policy: PolicyConfig): object {
  const read = readPolicy(policyDocument(realm, policy), ours(realm))
  const isExact = read.kind === 'read' && read.losses.length === 0
  const [written] = isExact ? read.policies : []
  const { resourceType } = policy
  return written === undefined
    ? {}
    : inFewWords({ ...written, ...(resourceType === undefined ? {} : { resourceType }) })
}

function documentOf(realm: RealmName, policy: PolicyConfig): Revised {
  return revised(policyDocument(realm, policy))
}

/** RFC 9110 §13.2: a version that is not the current one refuses whatever else would be done. */
function refusalOf(
  { precondition: { match, noneMatch } }: Call,
  {
    writing,
    old,
    asked,
    policies,
  }: {
    readonly writing: Writing
    readonly old: Revised | undefined
    readonly asked: Asked | undefined
    readonly policies: readonly PolicyConfig[]
  },
): Reply | undefined {
  if (old === undefined && writing === 'delete') return problem(404)
  if (match !== undefined && (old === undefined || !namesRevision(match, old)))
    return old === undefined && match.trim() === '*'
      ? problem(404)
      : problem(412, 'the policy is not what it was; read it again')
  if (noneMatch !== undefined && old !== undefined && namesRevision(noneMatch, old))
    return problem(412, 'there is a policy of this name')
  if (old !== undefined && writing === 'create') return problem(409, 'there is a policy of this name')
  if (asked === undefined || asked.name === old?.['name']) return undefined
  if (old === undefined) return undefined
  return policies.some(({ name }) => name === asked.name)
    ? problem(409, 'there is a policy of the new name')
    : undefined
}

/** `isAccepted`: written, and not in force in this process yet. */
function replyWith(
  old: Revised | undefined,
  now: Revised | undefined,
  { isAccepted }: { readonly isAccepted: boolean },
): Reply {
  const status = isAccepted ? 202 : old === undefined ? 201 : 200
  return now === undefined ? { status, body: old ?? {} } : withTag({ status, body: now }, now)
}

function note(
  { audit, clock }: Pick<WriteDeps, 'audit' | 'clock'>,
  { address, origin: { requestId, clientIp } }: Call,
  {
    caller: { realm, username, sid },
    before,
    after,
    ...what
  }: {
    readonly caller: Session
    readonly policy: string
    readonly action: 'create' | 'update' | 'delete'
    readonly outcome: 'done' | 'refused'
    readonly before?: object | undefined
    readonly after?: object | undefined
  },
): void {
  audit.record({
    event: 'PolicyAdministered',
    at: clock(),
    ...{ requestId, clientIp, realm, username, sid, of: address.realm, ...what },
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  })
}
