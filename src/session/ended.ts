import type { RevocationLog } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { SessionEnded, SessionEnding } from './session.ts'

/**
 * Calls `listener` once for each session that ends from now on, in this process or any other, for whatever reason: open
 * connections are closed by it. A listener that throws is logged, and is called for the next one all the same. `onGap` is called
 * when some may have been missed.
 */
export function onSessionEnded(
  revocations: Pick<RevocationLog, 'subscribe'>,
  listener: SessionEnded,
  log: Log,
  onGap?: () => void,
): { close(): void } {
  const tell = (ending: SessionEnding): void => {
    const { sid } = ending
    try {
      listener(sid, ending)
    } catch (error) {
      log.error({ err: error, sid }, 'a listener failed on the end of a session')
    }
  }
  return revocations.subscribe((entries) => {
    for (const entry of entries) if (entry.kind === 'session-ended') tell(entry)
  }, onGap)
}
