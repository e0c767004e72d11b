import type { KeptList } from '../../../base/kept-list.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import type { ChangedDecisions } from '../../ports.ts'
import type { Call } from '../call.ts'
import { problem, type Reply } from '../reply.ts'

type Effect = ChangedDecisions | undefined
type Options = Parameters<KeptList<PolicyConfig, Effect>['change']>[2]

/** Whoever says the word, in whatever way, does not mean to write. */
function isTrial(call: Call): boolean {
  return (call.query('_dryRun') ?? 'false') !== 'false'
}

export type Writing = Pick<Options, 'isTrial' | 'objection'>

/** What a call says of writing: whether it is meant, and how many of the decisions that were made lately may be others then. */
export function writingOf(call: Call): Writing | Reply {
  const most = call.query('_mayChange')
  if (most === undefined) return { isTrial: isTrial(call) }
  if (!/^\d{1,6}$/.test(most)) return problem(400, '_mayChange: write a number')
  return {
    isTrial: isTrial(call),
    objection({ effect }) {
      if (effect === undefined) return '_mayChange: nobody here knows of decisions that were made'
      const { compared, changed } = effect
      return changed <= Number(most)
        ? undefined
        : `${changed} of ${compared} decisions that were made lately would be others; nothing was written`
    },
  }
}

/** What a trial says beside what would be written: how decisions that were made lately would be others. */
export function withDecisions(body: object, decisions: Effect): object {
  return decisions === undefined ? body : { ...body, _decisions: decisions }
}
