import type { ChangedDecisions } from '../../ports.ts'
import type { Call } from '../call.ts'

/** Whoever says the word, in whatever way, does not mean to write. */
export function isTrial(call: Call): boolean {
  return (call.query('_dryRun') ?? 'false') !== 'false'
}

/** What a trial says beside what would be written: how decisions that were made lately would be others. */
export function withDecisions(body: object, decisions: ChangedDecisions | undefined): object {
  return decisions === undefined ? body : { ...body, _decisions: decisions }
}
