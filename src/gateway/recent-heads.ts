import { rememberRecent } from '../base/recent.ts'
import type { AccessRequest } from './access-request.ts'
import { clientLines, isCookie, ownHeaders, personalLines, requestHeaders } from './request-headers.ts'
import type { Site } from './site.ts'
import { checkLines, type CheckedLines } from './upstream/checked-lines.ts'
import type { HeaderList } from './upstream/upstream.ts'

/** What goes to the application: `headers`, and `checked`, where there are such lines. */
export interface OutgoingHead {
  readonly headers: HeaderList
  readonly checked: readonly CheckedLines[] | undefined
}

/** Lines of a browser, whoever sits at it, and what became of them when they came a second time. */
interface Form {
  readonly site: Site
  /** As they came, but for the cookies themselves: those are one person's. */
  readonly raw: readonly string[]
  /** Where the value of `Cookie` stands in them; -1 where there is none. */
  readonly cookieAt: number
  checked: CheckedLines | undefined
}

/** Lines of one person at one site, and all that they were made of beside the identity headers. */
interface Personal {
  readonly request: Pick<AccessRequest, 'site' | 'client'>
  readonly cookie: string | undefined
  readonly forwardedFor: string | readonly string[] | undefined
  readonly checked: CheckedLines
}

interface Known {
  readonly forms: Form[]
  readonly personal: Personal[]
}

/** A page, its styles, its pictures, its scripts: in so many forms one browser asks within a short time. */
const FORMS = 4
/** Longer heads are made anew each time, so that nobody fills the memory. */
const MAX_ITEMS = 80
const MAX_CHARS = 4_096

/**
 * Remembers heads of requests. A browser sends the same lines with one request after the other, and what becomes of them depends on
 * nothing but them, the site, the client's addresses and the identity headers: it is worked out, and looked at by undici, once. What differs in one
 * byte is another head. It is kept in two parts: what every such browser sends is there once for all sessions and does not grow cold, and
 * of each session only what is its own. Kept by the list of identity headers, which is one session's at one site and lasts
 * seconds; bounded as `base/recent.ts` is.
 */
export class RecentHeads {
  readonly #half: number
  #young = new Map<HeaderList, Known>()
  #old = new Map<HeaderList, Known>()
  #shared: (text: string) => { form: Form | undefined }

  constructor(maxSessions = 2_048) {
    this.#half = Math.max(1, Math.floor(maxSessions / 2))
    this.#shared = sharedForms(2 * this.#half)
  }

  /** For when the sites are others: what is kept for those of before would keep them, with all that they hold, in memory. */
  forget(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#shared = sharedForms(2 * this.#half)
  }

  /** @throws what undici throws for a line that it would not send */
  headOf(request: AccessRequest, identity: HeaderList): OutgoingHead {
    if (!isRepeatable(request)) return plainHead(request, identity)
    const { forms, personal } = this.#knownOf(identity)
    const form = formIn(forms, request) ?? this.#comesAgain(forms, request)
    if (form === undefined) return plainHead(request, identity)
    const own = personalIn(personal, request, form) ?? learn(personal, { request, form, identity })
    form.checked ??= checkLines(clientLines(request))
    if (own === undefined || form.checked === undefined) return plainHead(request, identity)
    return { headers: ownHeaders(request), checked: [form.checked, own.checked] }
  }

  #knownOf(identity: HeaderList): Known {
    const young = this.#young.get(identity)
    if (young !== undefined) return young
    const known = this.#old.get(identity) ?? { forms: [], personal: [] }
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(identity, known)
    return known
  }

  /** Lines that are new to the session and have come before, with whomever. Those that have not are kept from now on. */
  #comesAgain(forms: Form[], { site, raw }: AccessRequest): Form | undefined {
    const { rawHeaders } = raw
    const cookieAt = cookieIn(rawHeaders)
    if (cookieAt === undefined || !isShort(rawHeaders)) return undefined
    const lines = cookieAt === -1 ? rawHeaders : rawHeaders.with(cookieAt, '')
    const slot = this.#shared(lines.join('\n'))
    const found = slot.form !== undefined && isForm(slot.form, { site, rawHeaders }) ? slot.form : undefined
    slot.form = found ?? { site, raw: lines, cookieAt, checked: undefined }
    if (forms.length === FORMS) forms.shift()
    forms.push(slot.form)
    return found
  }
}

function sharedForms(maxEntries: number): (text: string) => { form: Form | undefined } {
  return rememberRecent(() => ({ form: undefined }), { maxLength: 2 * MAX_CHARS, maxEntries })
}

/** The same, worked out. */
export function plainHead(request: AccessRequest, identity: HeaderList): OutgoingHead {
  return { headers: [...ownHeaders(request), ...requestHeaders(request, identity)], checked: undefined }
}

/** Not with a body, whose framing goes with the lines, and not with credentials: whether a token is ours depends on more than its letters. */
function isRepeatable({ raw: { headers } }: AccessRequest): boolean {
  return (
    headers.authorization === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  )
}

function formIn(forms: readonly Form[], { site, raw: { rawHeaders } }: AccessRequest): Form | undefined {
  for (const form of forms) if (isForm(form, { site, rawHeaders })) return form
  return undefined
}

/** Every name and every value but that of the cookies, which `personalIn` looks at. */
function isForm(
  { site, raw, cookieAt }: Form,
  sent: { readonly site: Site; readonly rawHeaders: readonly string[] },
): boolean {
  const { rawHeaders } = sent
  if (site !== sent.site || raw.length !== rawHeaders.length) return false
  for (let i = 0; i < raw.length; i++) if (raw[i] !== rawHeaders[i] && i !== cookieAt) return false
  return true
}

function personalIn(
  personal: readonly Personal[],
  { site, client, raw }: AccessRequest,
  { cookieAt }: Form,
): Personal | undefined {
  const cookie = raw.rawHeaders[cookieAt]
  const forwardedFor = raw.headers['x-forwarded-for']
  for (const known of personal) {
    const { request } = known
    if (known.cookie !== cookie || known.forwardedFor !== forwardedFor || request.site !== site) continue
    if (request.client.ip === client.ip && request.client.peer === client.peer) return known
  }
  return undefined
}

interface Learnt {
  readonly request: AccessRequest
  readonly form: Form
  readonly identity: HeaderList
}

function learn(personal: Personal[], { request, form, identity }: Learnt): Personal | undefined {
  const { site, client, raw } = request
  const checked = checkLines(personalLines(request, identity))
  if (checked === undefined) return undefined
  const cookie = raw.rawHeaders[form.cookieAt]
  const known = { request: { site, client }, cookie, forwardedFor: raw.headers['x-forwarded-for'], checked }
  if (personal.length === FORMS) personal.shift()
  personal.push(known)
  return known
}

/** Where the one `Cookie` has its value; -1 where there is none, `undefined` where there are several. */
function cookieIn(raw: readonly string[]): number | undefined {
  let found = -1
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!isCookie(raw[i] ?? '')) continue
    if (found !== -1) return undefined
    found = i + 1
  }
  return found
}

function isShort(raw: readonly string[]): boolean {
  if (raw.length > MAX_ITEMS) return false
  let chars = 0
  for (const item of raw) chars += item.length
  return chars <= MAX_CHARS
}
