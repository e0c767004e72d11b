import type { Store } from '../../store/store.ts'

const NAMESPACE = 'cdsso-start'
/** Longer than an answer is taken. */
const REMEMBERED_MS = 60 * 60_000

/** Whether nobody has answered this start before, in any process. Of two answers one is somebody else's, who saw where the browser was sent. */
export function isFirstAnswer(
  { oneTime }: { readonly oneTime: Pick<Store['oneTime'], 'put'> },
  start: string,
): Promise<boolean> {
  return oneTime.put(NAMESPACE, start, '', REMEMBERED_MS)
}
