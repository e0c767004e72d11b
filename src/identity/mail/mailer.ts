import { createTransport } from 'nodemailer'
import type { Log } from '../../telemetry/log.ts'
import { createBoundedRunner, type Message, type Messenger } from './messenger.ts'
import { MAIL_ADDRESS, type MailConfig } from './mail.schema.ts'

export interface MailerDeps {
  readonly log: Log
}

/** Mails over SMTP (RFC 5321), through a pool of connections that are encrypted unless the configuration says otherwise. */
export function createMailer(config: MailConfig, { log }: MailerDeps): Messenger {
  const transport = createTransport(optionsOf(config))
  const runner = createBoundedRunner({ atMost: config.queue, timeoutMs: config.timeout })
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      const done = await runner.run(async () => {
        await work()
        return true
      })
      if (done !== true) log.warn({ host: config.host }, 'a mail could not be sent in time, or too many wait')
      return done === true
    } catch (error) {
      // What the server said can name the address; its code and number cannot.
      const { code, responseCode } = error as { readonly code?: string; readonly responseCode?: number }
      log.warn({ host: config.host, code, responseCode }, 'a mail could not be sent')
      return false
    }
  }
  return {
    send: (message) => {
      if (!MAIL_ADDRESS.test(message.to)) return Promise.resolve(false)
      return attempt(() => transport.sendMail(mailOf(config, message)))
    },
    probe: () => attempt(() => transport.verify()),
    async close() {
      await runner.idle()
      transport.close()
    },
  }
}

function optionsOf({ host, port, tls, ca, user, password, timeout, connections }: MailConfig) {
  return {
    host,
    port,
    pool: true,
    maxConnections: connections,
    secure: tls === 'implicit',
    // A server that offers no encryption, or somebody on the way who takes the offer out (STRIPTLS), gets nothing.
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const
}

function mailOf({ from, name }: MailConfig, message: Message) {
  return {
    from: { name: oneLine(name ?? message.from), address: from },
    to: { name: '', address: message.to },
    subject: oneLine(message.subject),
    text: message.text,
    html: message.html,
    // No answers from people's holiday notices (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

/** A header is one line: nobody's name starts another (header injection). */
function oneLine(text: string): string {
  return text.replaceAll(/\p{C}+/gu, ' ').trim()
}
