import type { Clock } from '../../base/clock.ts'
import { loadPart } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { MailConfig, SmsConfig } from './mail.schema.ts'
import type { Messengers } from './messenger.ts'

export interface MessengersConfig {
  readonly mail?: MailConfig | undefined
  readonly sms?: SmsConfig | undefined
}

/** What there is to reach people with. What sends it is loaded where the configuration has it; throws GH_CONFIG_INVALID where it cannot be. */
export async function openMessengers(
  { mail, sms }: MessengersConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Messengers> {
  const mailer = mail && (await loadPart('what sends mails', () => import('./mailer.ts')))
  const hook = sms && (await loadPart('what sends text messages', () => import('./sms-hook.ts')))
  return {
    mail: mail && mailer?.createMailer(mail, { log }),
    sms: sms && hook?.createSmsHook(sms, { clock, log }),
  }
}
