import type { RealmName } from '../../../base/brand.ts'
import type { Clock } from '../../../base/clock.ts'
import type { EditOutcome, EditPlan } from '../../../base/kept-list.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import type { Session } from '../../../session/session.ts'
import type { AuditSink } from '../../../telemetry/audit.ts'
import type { ChangedDecisions, PolicyAdmin } from '../../ports.ts'
import { sessionOf, type Call } from '../call.ts'
import { FORBIDDEN, problem, UNAUTHORIZED, type Reply } from '../reply.ts'
import { mayWrite } from './privilege.ts'
import type { ReadDeps } from './read.ts'
import { namesRevision, withTag, type Revised } from './revision.ts'
import { withDecisions, writingOf } from './trial.ts'
import { askedFor, documentOf, writtenOf, type Asked } from './written.ts'

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
  const name = id ?? (asked?.kind === 'asked' ? asked.name : '')
  const action = writing === 'put' ? 'update' : writing
  if (!(await mayWrite(deps.people, caller, realm)) || deps.policiesOf(realm) === undefined) {
    note(deps, call, { caller, policy: name, action, outcome: 'refused' })
    return FORBIDDEN
  }
  if (asked?.kind === 'refused') return problem(400, asked.why)
  if (name === '') return problem(400, 'name: name the policy')
  const options = writingOf(call)
  if ('status' in options) return options
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
      edits: [{ index: known === undefined ? policies.length : index, before, after: asked?.written }],
    }
  }
  const nowIn = (policies: readonly PolicyConfig[]): Revised | undefined => {
    const policy = asked && policies.find((each) => each.name === asked.name)
    return policy && documentOf(realm, policy)
  }
  const changed = await deps.policyAdmin.change(realm, plan, {
    ...options,
    written({ items, effect }) {
      const after = nowIn(items)
      note(deps, call, {
        ...{ caller, policy: name, outcome: 'done', before: old, after, effect },
        action: old === undefined ? 'create' : after === undefined ? 'delete' : 'update',
      })
    },
  })
  if (changed.kind !== 'done') return failureOf(changed)
  const now = nowIn(changed.items)
  if (!options.isTrial) return replyWith(old, now, { isAccepted: !changed.isInForce })
  const reply = replyWith(old, now, { isAccepted: false })
  return { ...reply, body: withDecisions(reply.body, changed.effect) }
}

/** Why nothing was written. */
export function failureOf(
  outcome: Exclude<EditOutcome<PolicyConfig, unknown, Reply>, { readonly kind: 'done' }>,
): Reply {
  switch (outcome.kind) {
    case 'refused':
      return outcome.refused
    case 'conflict':
      return problem(409, outcome.why)
    case 'invalid':
      return problem(400, outcome.problems.join('; '))
  }
}

function readBody({ address: { realm, id }, body }: Call): Asked {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { kind: 'refused', why: 'the body is a policy, as JSON' }
  const isNamed = id === undefined || ('name' in body && body.name !== null)
  return askedFor(realm, isNamed ? body : { ...body, name: id })
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
    readonly asked: Extract<Asked, { readonly kind: 'asked' }> | undefined
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

/** Notes who wrote what, or tried to. */
export function note(
  { audit, clock }: Pick<WriteDeps, 'audit' | 'clock'>,
  { address, origin: { requestId, clientIp } }: Call,
  {
    caller: { realm, username, sid },
    before,
    after,
    of = address.realm,
    effect,
    ...what
  }: {
    readonly caller: Session
    readonly policy: string
    readonly action: 'create' | 'update' | 'delete'
    readonly outcome: 'done' | 'refused'
    readonly before?: object | undefined
    readonly after?: object | undefined
    /** Whose policy; that of the address where absent. */
    readonly of?: RealmName
    readonly effect?: ChangedDecisions | undefined
  },
): void {
  audit.record({
    event: 'PolicyAdministered',
    at: clock(),
    ...{ requestId, clientIp, realm, username, sid, of, ...what },
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(effect === undefined ? {} : { decisions: { compared: effect.compared, changed: effect.changed } }),
  })
}
