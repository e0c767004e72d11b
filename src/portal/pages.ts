import { createHash } from 'node:crypto'
import type { RealmName } from '../base/brand.ts'
import type { ErrorPages, FormTicket, Refusal } from '../http/refusal-page.ts'
import { standaloneFrame, type Frame } from './frame.ts'
import { compileLook, type Look } from './look.ts'
import type { LookConfig } from './look.schema.ts'
import { lookSchema } from './look.schema.ts'
import {
  action,
  errorFacts,
  type Fact,
  type MessageAction,
  type MessageForm,
  type MessagePage,
} from './message-page.ts'
import type { MessageKey } from './messages/en.ts'
import { negotiateLanguage, sayDuration } from './messages/language.ts'
import type { PublicFiles } from './public-files.ts'

export interface PagesDeps {
  readonly files: PublicFiles
  readonly realms: Iterable<{ readonly name: RealmName; readonly look: LookConfig }>
  /** Data URLs of logos; the first letter of the title stands in for one that is not there. */
  readonly logos: ReadonlyMap<RealmName, string>
  /** The login host's own page, where everybody finds a way on: their applications, or where to sign in. */
  readonly homeUrl: string
}

interface StandaloneLook {
  readonly look: Look
  readonly css: string
  readonly logo: string | undefined
  readonly policy: string
}

/** Everything but the sentences is worked out here, once per configuration generation. */
export function createPages({ files, realms, logos, homeUrl }: PagesDeps): ErrorPages {
  const baseCss = files.assets.get('gatehouse.css')?.body.toString('utf8') ?? ''
  const looks = new Map<RealmName, StandaloneLook>()
  for (const { name, look } of realms) looks.set(name, standalone(compileLook(name, look), baseCss, logos.get(name)))
  const root = '/' as RealmName
  const fallback = looks.get(root) ?? standalone(compileLook(root, lookSchema.parse(undefined)), baseCss, undefined)

  return {
    render: (refusal) => {
      const { policy, ...look } = (refusal.realm === undefined ? undefined : looks.get(refusal.realm)) ?? fallback
      const language = negotiateLanguage(refusal.acceptLanguage)
      const frame = standaloneFrame({ ...look, language })
      return {
        html: files.render('message', { page: frame, ...pageOf(frame, refusal, homeUrl) }),
        headers: headersOf(refusal, language.tag, policy),
      }
    },
  }
}

/** The one style element of the page may apply because its hash is named (CSP Level 3 §6.7.2.3); nothing else may. */
function standalone(look: Look, baseCss: string, logo: string | undefined): StandaloneLook {
  // `</` would end the element; no style sheet of ours has it, and none shall.
  const css = `${baseCss}\n${look.css}`.replaceAll('</', '<\\/')
  const hash = createHash('sha256').update(css).digest('base64')
  const images = logo === undefined ? '' : ' img-src data:;'
  const policy = `default-src 'none'; style-src 'sha256-${hash}';${images}`
  return { look, css, logo, policy }
}

/** An answer to a frame must be seen inside it, whoever framed it: it holds one link, which opens a window of its own. */
const FRAMING = { own: "; frame-ancestors 'self'", anywhere: '' } as const

function headersOf(refusal: Refusal, language: string, policy: string): Readonly<Record<string, string>> {
  const retry = refusal.retryAfterSeconds
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-language': language,
    'content-security-policy': `${policy} form-action ${formTargets(refusal)}; base-uri 'none'${FRAMING[refusal.kind === 'open-at-top-level' ? 'anywhere' : 'own']}`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    vary: 'Accept-Language, Cookie',
    ...(retry === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retry))) }),
  }
}

/** Browsers apply it to where the application redirects after the form as well, which may be anywhere. */
function formTargets({ form }: Refusal): string {
  return form === undefined ? "'none'" : '*'
}

function pageOf(frame: Frame, refusal: Refusal, homeUrl: string): MessagePage {
  const { kind, cause, siteTitle, retryAfterSeconds, username, policies, why, requestId } = refusal
  const heading = frame.say(`error.${kind}.title`, { site: siteTitle ?? '' })
  const wait =
    retryAfterSeconds === undefined
      ? []
      : [frame.say('detail.wait', { duration: sayDuration(frame.language, retryAfterSeconds) })]
  return {
    title: siteTitle === undefined || kind === 'form-kept' ? heading : `${heading} – ${siteTitle}`,
    heading,
    paragraphs: [
      frame.say(`error.${kind}.text`),
      ...(kind === 'loop' ? [frame.say(`cause.${cause ?? 'unknown'}`)] : []),
      ...wait,
    ],
    actions: actionsOf(frame, refusal, homeUrl),
    form: refusal.form && formOf(frame, refusal.form),
    facts: [
      ...(refusal.form === undefined ? [] : formFacts(frame, refusal.form)),
      ...errorFacts(frame, { site: siteTitle, user: username, policies, why, requestId }),
    ],
  }
}

/** Sent as text/plain: the gateway knows by that, without looking into other forms, that it stands for a kept one. */
function formOf(frame: Frame, { action: target, field, ticket }: FormTicket): MessageForm {
  const discard = action(frame, 'form.discard', '/', 'plain')
  return { action: target, field, value: ticket, submit: frame.say('form.send'), discard }
}

/** Of an address more is of no use to a reader. */
const LONGEST_TARGET = 200

function formFacts(frame: Frame, { action: target, fields, files, bytes }: FormTicket): readonly Fact[] {
  const fact = (key: MessageKey, value: string): readonly Fact[] =>
    value === '' ? [] : [{ label: frame.say(key), value, code: false }]
  const kilobytes = new Intl.NumberFormat(frame.language.tag, { style: 'unit', unit: 'kilobyte' })
  return [
    ...fact('form.target', target.length > LONGEST_TARGET ? `${target.slice(0, LONGEST_TARGET)}…` : target),
    ...fact('form.fields', fields.join(', ')),
    ...fact('form.files', files.join(', ')),
    ...fact('form.size', kilobytes.format(Math.ceil(bytes / 1_000))),
  ]
}

/** One primary way on; the rest quietly below it. */
function actionsOf(frame: Frame, refusal: Refusal, homeUrl: string): readonly MessageAction[] {
  const { kind, loginUrl, logoutUrl, username, back } = refusal
  const retry = action(frame, 'action.retry', '', 'button')
  const signOut = logoutUrl === undefined ? [] : [action(frame, 'action.sign-out', logoutUrl, 'plain')]
  switch (kind) {
    case 'unavailable':
    case 'internal':
      return [retry]
    case 'upstream':
      return [retry, action(frame, 'action.apps', homeUrl, 'plain')]
    case 'open-at-top-level':
      return loginUrl === undefined ? [] : [action(frame, 'action.open', loginUrl, 'button')]
    case 'form-waits':
    case 'goes-on':
      return loginUrl === undefined ? [] : [action(frame, 'login.next', loginUrl, 'button')]
    case 'token-needed':
      return [action(frame, 'action.apps', homeUrl, 'button'), ...signOut]
    case 'loop':
      return [loginUrl === undefined ? retry : action(frame, 'action.retry', loginUrl, 'button'), ...signOut]
    case 'forbidden':
      // Not the application's own start page: that may be what is forbidden, and the button would lead here again.
      return [
        action(frame, 'action.apps', homeUrl, 'button'),
        ...(loginUrl === undefined ? [] : [action(frame, 'action.other-user', loginUrl, 'plain')]),
        ...(username === undefined ? [] : [action(frame, 'action.account', accountUrl(refusal, homeUrl), 'plain')]),
        ...signOut,
      ]
    case 'bad-request':
    case 'method-not-allowed':
    case 'not-found':
      return [action(frame, 'action.home', '/', 'button')]
    case 'form-kept':
      return []
    case 'form-not-kept':
      return [action(frame, 'action.back', back ?? '/', 'button')]
    case 'unknown-host':
      return [action(frame, 'action.home', homeUrl, 'button')]
  }
}

/** Names the realm, where the session may be over by then. */
function accountUrl({ realm }: Refusal, homeUrl: string): string {
  const url = new URL('/account', homeUrl)
  if (realm !== undefined) url.searchParams.set('realm', realm)
  return url.href
}
