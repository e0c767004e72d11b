import type { AccessRequest } from './access-request.ts'
import { ownHeaders, requestHeaders } from './request-headers.ts'
import { checkLines, type CheckedLines } from './upstream/checked-lines.ts'
import type { HeaderList } from './upstream/upstream.ts'

/** What goes to the application: `headers`, and `checked`, where there are such lines. */
export interface OutgoingHead {
  readonly headers: HeaderList
  readonly checked: CheckedLines | undefined
}

/** A head that was made, and all that it was made of. */
interface Known {
  readonly raw: readonly string[]
  readonly request: Pick<AccessRequest, 'site' | 'client'>
  readonly lines: HeaderList
  checked: CheckedLines | undefined
}

/** A page, its styles, its pictures, its scripts: in so many forms one browser asks within a short time. */
const FORMS = 4
/** Longer heads are made anew each time, so that nobody fills the memory. */
const MAX_ITEMS = 80
const MAX_CHARS = 4_096

/**
 * Remembers heads of requests. A browser sends the same lines with one request after the other, and what becomes of them depends on
 * nothing but them, the site, the client's addresses and the identity headers: it is worked out, and looked at by undici, once. What differs in one
 * byte is another head. Kept by the list of identity headers, which is one session's at one site and lasts seconds; bounded as
 * `base/recent.ts` is.
 */
export class RecentHeads {
  readonly #half: number
  #young = new Map<HeaderList, Known[]>()
  #old = new Map<HeaderList, Known[]>()

  constructor(maxSessions = 2_048) {
    this.#half = Math.max(1, Math.floor(maxSessions / 2))
  }

  /** @throws what undici throws for a line that it would not send */
  headOf(request: AccessRequest, identity: HeaderList): OutgoingHead {
    if (!isRepeatable(request)) return plainHead(request, identity)
    const forms = this.#formsOf(identity)
    const found = forms.find((known) => isSame(known, request))
    if (found !== undefined) {
      found.checked ??= checkLines(found.lines)
      if (found.checked !== undefined) return { headers: ownHeaders(request), checked: found.checked }
    }
    const lines = requestHeaders(request, identity)
    const { rawHeaders } = request.raw
    if (found === undefined && isShort(rawHeaders)) {
      const { site, client } = request
      if (forms.length === FORMS) forms.shift()
      forms.push({ raw: rawHeaders, request: { site, client }, lines, checked: undefined })
    }
    return { headers: [...ownHeaders(request), ...lines], checked: undefined }
  }

  #formsOf(identity: HeaderList): Known[] {
    const young = this.#young.get(identity)
    if (young !== undefined) return young
    const forms = this.#old.get(identity) ?? []
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(identity, forms)
    return forms
  }
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

function isSame({ raw, request: { site, client } }: Known, request: AccessRequest): boolean {
  const { rawHeaders } = request.raw
  if (site !== request.site || raw.length !== rawHeaders.length) return false
  if (client.ip !== request.client.ip || client.peer !== request.client.peer) return false
  for (let i = 0; i < raw.length; i++) if (raw[i] !== rawHeaders[i]) return false
  return true
}

function isShort(raw: readonly string[]): boolean {
  if (raw.length > MAX_ITEMS) return false
  let chars = 0
  for (const item of raw) chars += item.length
  return chars <= MAX_CHARS
}
