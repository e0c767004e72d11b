import type { RealmName } from '../../../base/brand.ts'
import type { EditOutcome, EditPlan, ItemEdit } from '../../../base/kept-list.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import type { Session } from '../../../session/session.ts'
import type { ChangedDecisions } from '../../ports.ts'
import { sessionOf, type Call } from '../call.ts'
import { FORBIDDEN, problem, UNAUTHORIZED, type Reply } from '../reply.ts'
import { mayWrite } from './privilege.ts'
import { namesRevision, withTag } from './revision.ts'
import { clashOf, movedBy, readTransfer, type Copying, type Moved, type Transfer } from './transfer.ts'
import { withDecisions, writingOf, type Writing } from './trial.ts'
import { failureOf, note, type WriteDeps } from './write.ts'
import { documentOf, writtenOf } from './written.ts'

/** Whoever asks, and what for. */
interface Work {
  readonly call: Call
  readonly caller: Session
  readonly transfer: Transfer
  readonly options: Writing
}

/** What has become of it. */
interface Done {
  readonly items: readonly PolicyConfig[]
  readonly isInForce: boolean
  readonly effect: ChangedDecisions | undefined
}

/**
 * `POST …/policies/NAME?_action=copy` or `move` for one policy, `POST …/policies?_action=copy` for those of a policy set, within a realm or
 * to another one: for administrators of both. All of them or none.
 */
export async function copyPolicies(deps: WriteDeps, call: Call, copying: Copying): Promise<Reply> {
  const caller = await sessionOf(deps, call.tokens.caller)
  if (caller === undefined) return UNAUTHORIZED
  const transfer = readTransfer(call, copying)
  const realms = 'status' in transfer ? [call.address.realm] : [transfer.from, transfer.to]
  for (const of of realms) {
    const isThere = deps.people.hasRealm(of) && deps.policiesOf(of) !== undefined
    if (isThere && (await mayWrite(deps.people, caller, of))) continue
    note(deps, call, { caller, policy: call.address.id ?? '', action: 'create', outcome: 'refused', of })
    return FORBIDDEN
  }
  if ('status' in transfer) return transfer
  const options = writingOf(call)
  if ('status' in options) return options
  const work = { call, caller, transfer, options }
  return transfer.from === transfer.to ? withinRealm(deps, work) : toOtherRealm(deps, work)
}

async function withinRealm(deps: WriteDeps, work: Work): Promise<Reply> {
  const { transfer, options } = work
  const { to: realm, copying } = transfer
  let moved: readonly Moved[] = []
  const plan = (policies: readonly PolicyConfig[]): EditPlan<Reply> => {
    const found = movedAsRead(work, policies)
    if ('status' in found) return { kind: 'refused', refused: found }
    moved = found
    const going = new Set(copying === 'move' ? found.map(({ old }) => old) : [])
    const clash = clashOf(
      policies.filter((policy) => !going.has(policy)),
      found,
    )
    if (clash !== undefined) return { kind: 'refused', refused: clash }
    const edits = found.map(({ old, written }, nth): ItemEdit =>
      copying === 'move'
        ? { index: policies.indexOf(old), before: writtenOf(realm, old), after: written }
        : { index: policies.length + nth, before: undefined, after: written },
    )
    return { kind: 'edit', edits }
  }
  const action = copying === 'move' ? 'update' : 'create'
  const changed = await deps.policyAdmin.change(realm, plan, {
    ...options,
    written: (kept) => noteAll(deps, work, { moved, kept, action }),
  })
  if (changed.kind !== 'done') return failureOf(changed)
  return replyWith(work, moved, changed)
}

/** What is moved is there before it goes here: nothing that it denies is open in between. That it may go is found out before. */
async function toOtherRealm(deps: WriteDeps, work: Work): Promise<Reply> {
  const { transfer, options } = work
  const { from, to, copying } = transfer
  const moved = movedAsRead(work, deps.policiesOf(from)?.policies ?? [])
  if ('status' in moved) return moved
  const plan = (policies: readonly PolicyConfig[]): EditPlan<Reply> => {
    const clash = clashOf(policies, moved)
    if (clash !== undefined) return { kind: 'refused', refused: clash }
    const edits = moved.map(({ written }, nth) => ({ index: policies.length + nth, before: undefined, after: written }))
    return { kind: 'edit', edits }
  }
  let removal: Done['effect']
  if (copying === 'move') {
    const tried = await remove(deps, { ...work, options: { ...options, isTrial: true } }, moved)
    if (tried.kind !== 'done') return failureOf(tried)
    removal = tried.effect
  }
  const { objection } = options
  const created = await deps.policyAdmin.change(to, plan, {
    ...options,
    objection: objection && (({ items, effect }) => objection({ items, effect: united(removal, effect) })),
    written: (kept) => noteAll(deps, work, { moved, kept, action: 'create' }),
  })
  if (created.kind !== 'done') return failureOf(created)
  if (copying === 'copy') return replyWith(work, moved, created)
  const removed = await remove(deps, work, moved)
  if (removed.kind !== 'done') {
    const { body } = failureOf(removed)
    return problem(409, `copied, and not removed from ${from}: ${'message' in body ? String(body.message) : ''}`)
  }
  const { items, effect, isInForce } = created
  return replyWith(work, moved, {
    items,
    effect: united(effect, removed.effect),
    isInForce: isInForce && removed.isInForce,
  })
}

/** With `If-Match` only the versions that it names, each of them (RFC 9110 §13.1.1). */
function movedAsRead({ call, transfer }: Work, policies: readonly PolicyConfig[]): readonly Moved[] | Reply {
  const moved = movedBy(transfer, policies)
  const { match } = call.precondition
  if ('status' in moved || match === undefined) return moved
  return moved.every(({ old }) => namesRevision(match, documentOf(transfer.from, old)))
    ? moved
    : problem(412, 'the policy is not what it was; read it again')
}

/** What was changed in between stays: it is not what was copied. */
function remove(
  deps: WriteDeps,
  work: Work,
  moved: readonly Moved[],
): Promise<EditOutcome<PolicyConfig, Done['effect'], Reply>> {
  const { transfer, options } = work
  const { from } = transfer
  const plan = (policies: readonly PolicyConfig[]): EditPlan<Reply> => {
    const places = moved.map(({ old }) => policies.findIndex((policy) => isSame(from, policy, old)))
    if (places.includes(-1)) return { kind: 'refused', refused: problem(409, 'it was changed meanwhile') }
    // From the end, so that places stay what they are.
    const edits = places.toSorted((a, b) => b - a).map((index) => ({ index, before: {}, after: undefined }))
    return { kind: 'edit', edits }
  }
  return deps.policyAdmin.change(from, plan, {
    ...options,
    written: (kept) => noteAll(deps, work, { moved, kept, action: 'delete' }),
  })
}

function isSame(realm: RealmName, policy: PolicyConfig, old: PolicyConfig): boolean {
  return policy.name === old.name && documentOf(realm, policy)._rev === documentOf(realm, old)._rev
}

function noteAll(
  deps: WriteDeps,
  { call, caller, transfer: { from, to } }: Work,
  {
    moved,
    kept: { items, effect },
    action,
  }: {
    readonly moved: readonly Moved[]
    readonly kept: Omit<Done, 'isInForce'>
    readonly action: 'create' | 'update' | 'delete'
  },
): void {
  for (const { old, name } of moved) {
    const made = action === 'delete' ? undefined : items.find((policy) => policy.name === name)
    note(deps, call, {
      ...{ caller, action, outcome: 'done', effect },
      policy: action === 'create' ? name : old.name,
      of: action === 'delete' ? from : to,
      before: action === 'create' ? undefined : documentOf(from, old),
      after: made && documentOf(to, made),
    })
  }
}

function replyWith(
  { transfer: { to, one }, options: { isTrial } }: Work,
  moved: readonly Moved[],
  { items, isInForce, effect }: Done,
): Reply {
  const names = new Set(moved.map(({ name }) => name))
  const all = items.filter(({ name }) => names.has(name)).map((policy) => documentOf(to, policy))
  const [first] = all
  const status = isInForce || isTrial ? 200 : 202
  if (one === undefined || first === undefined) {
    const body = isTrial && effect !== undefined ? withDecisions({ result: all }, effect) : all
    return { status, body }
  }
  return withTag({ status, body: isTrial ? withDecisions(first, effect) : first }, first)
}

function united(a: ChangedDecisions | undefined, b: ChangedDecisions | undefined): ChangedDecisions | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return {
    compared: a.compared + b.compared,
    changed: a.changed + b.changed,
    changes: [...a.changes, ...b.changes],
  }
}
