import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../telemetry/log.ts'
import type { SmsConfig } from './mail.schema.ts'
import { createBoundedRunner, type Messenger } from './messenger.ts'

/** E.164, as directories write it. */
const TELEPHONE = /^\+?[0-9]{5,15}$/

/** Text messages by a call of a service of the operator's own. Goes to the configured address and nowhere else. */
export function createSmsHook(
  config: SmsConfig,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): Messenger {
  const { host } = new URL(config.url)
  const runner = createBoundedRunner({ atMost: config.queue, timeoutMs: config.timeout })
  /** Milliseconds that the last one took. */
  let took = 0
  const call = async (body: string, signal: AbortSignal): Promise<boolean> => {
    const timestamp = String(Math.floor(clock() / 1_000))
    const signature = createHmac('sha256', config.secret).update(`${timestamp}.${body}`).digest('hex')
    const response = await fetch(config.url, {
      method: 'POST',
      body,
      signal,
      // A redirect would take the code and the number to who knows where (server-side request forgery).
      redirect: 'error',
      headers: {
        'Content-Type': 'application/json',
        'X-Gatehouse-Timestamp': timestamp,
        'X-Gatehouse-Signature': `sha256=${signature}`,
      },
    })
    await response.body?.cancel()
    if (!response.ok) log.warn({ host, status: response.status }, 'a text message was refused')
    return response.ok
  }
  return {
    async send({ to, text }) {
      const number = to.replaceAll(/[\s()/.-]/g, '')
      if (!TELEPHONE.test(number)) return false
      const began = performance.now()
      try {
        const sent = await runner.run((signal) => call(JSON.stringify({ to: number, text }), signal))
        if (sent === undefined) log.warn({ host }, 'a text message could not be sent in time, or too many wait')
        return sent === true
      } catch (error) {
        log.warn({ err: error, host }, 'a text message could not be sent')
        return false
      } finally {
        took = performance.now() - began
      }
    },
    // A service of this kind cannot be asked without sending something; but how long it takes is known.
    probe: () => pause(took, true),
    close: () => runner.idle(),
  }
}
