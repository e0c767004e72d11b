import type { Message } from './messenger.ts'
import { fill, type Wording } from './texts.ts'

/** A message without whom it goes to. */
export type Letter = Omit<Message, 'to'>

export interface CodeLetter {
  readonly realm: string
  readonly user: string
  readonly code: string
  readonly minutes: number
}

/** Carries the code and nothing to follow: a link that signs in would sign in whoever reads the mail. */
export function codeLetter({ tag, texts }: Wording, { realm, user, code, minutes }: CodeLetter): Letter {
  const values = { realm, user, minutes: String(minutes) }
  const [lead, ignore] = [fill(texts.codeText, values), texts.codeIgnore]
  return {
    from: realm,
    subject: fill(texts.codeSubject, values),
    text: `${lead}\n\n    ${code}\n\n${ignore}\n`,
    html: page(tag, [
      `<p>${escaped(lead)}</p>`,
      `<p style="font:600 1.75rem ui-monospace,monospace;letter-spacing:0.1em">${escaped(code)}</p>`,
      `<p>${escaped(ignore)}</p>`,
    ]),
  }
}

/** A text message: everything is in the text. */
export function codeMessage({ texts }: Wording, { realm, code }: CodeLetter): Letter {
  return { from: realm, subject: '', html: '', text: fill(texts.sms, { realm, code }) }
}

export type NoticeKind = 'newDevice' | 'factorAdded' | 'factorRemoved' | 'passwordChanged'

export interface NoticeLetter {
  readonly realm: string
  readonly user: string
  readonly kind: NoticeKind
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly browser: string | undefined
  readonly network: string | undefined
}

export function noticeLetter({ tag, texts }: Wording, notice: NoticeLetter): Letter {
  const { realm, user, kind, at, browser, network } = notice
  const when = new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' }).format(at)
  const facts = [
    [texts.when, when],
    [texts.browser, browser ?? texts.unknown],
    [texts.network, network ?? texts.unknown],
  ] as const
  const lead = fill(texts[kind], { realm, user })
  return {
    from: realm,
    subject: fill(texts.noticeSubject, { realm }),
    text: `${lead}\n\n${facts.map(([label, value]) => `${label}: ${value}`).join('\n')}\n\n${texts.noticeAdvice}\n`,
    html: page(tag, [
      `<p>${escaped(lead)}</p>`,
      `<dl>${facts.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`,
      `<p>${escaped(texts.noticeAdvice)}</p>`,
    ]),
  }
}

function page(language: string, body: readonly string[]): string {
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"></head><body style="font:1rem/1.5 system-ui,sans-serif">${body.join('\n')}</body></html>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Names of realms, people and browsers are text, whatever they look like. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
