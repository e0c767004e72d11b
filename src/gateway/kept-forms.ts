import { randomSecret } from '../base/random-id.ts'
import { decrypt, encrypt } from '../crypto/aead.ts'
import { decodeBase64url } from '../crypto/base64url.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { Session } from '../session/session.ts'
import type { Store } from '../store/store.ts'
import type { AccessRequest } from './access-request.ts'
import { formFields, type FormFields } from './form-fields.ts'
import type { KnownUser } from './known-user.ts'
import { announcedLength, readBody } from './read-body.ts'
import type { Site } from './site.ts'

/** A form that was not sent because its sender had to sign in first. */
export interface KeptForm extends FormFields {
  /** Path and query, as they were asked for. */
  readonly target: string
  readonly contentType: string
  /** The page that it was filled in on. */
  readonly referer: string | undefined
  readonly body: Buffer
}

/** Whose form it is, and where: one for another user, browser or site does not open. */
export interface FormOwner {
  readonly site: Site
  readonly user: KnownUser
}

export interface KeptForms {
  /**
   * Reads the request's body, unless it has been read already, and keeps it; the ticket that finds it again. `undefined` where it is too large, or too much is kept
   * already. Faults with GH_STORE_UNAVAILABLE, GH_KEYS_UNAVAILABLE and GH_REQUEST_TIMEOUT.
   */
  keep(request: AccessRequest, owner: FormOwner, read?: Buffer): Promise<string | undefined>
  /** The form, to be shown; `undefined` when there is none of this owner: sent, too old, somebody else's. Faults as `keep`. */
  find(ticket: string, owner: FormOwner): Promise<KeptForm | undefined>
  /** The form, to be sent to `target`: of all who ask, one gets it. */
  take(ticket: string, owner: FormOwner, target: string): Promise<KeptForm | undefined>
}

export interface KeptFormsDeps {
  readonly keyRing: Pick<KeyRing, 'current' | 'known'>
  readonly store: Pick<Store, 'versioned' | 'counters'>
}

const NAMESPACE = 'kept-form'
/** Bytes that are being read at once, by all requests of the process. */
const MOST_IN_MEMORY = 32 * 1_048_576
/** Bytes of one person that are kept at a time at one site; room for a few of the largest, at least. */
const MOST_OF_ONE = 8 * 1_048_576
/** What is left of a form that was sent: nobody else may have it. */
const SPENT = ''

export function createKeptForms({ keyRing, store }: KeptFormsDeps): KeptForms {
  let inMemory = 0

  const keep: KeptForms['keep'] = async (request, owner, read) => {
    const { site, raw } = request
    const length = announcedLength(raw)
    const { maxBytes, keepMs } = site.forms
    if (length === undefined || length > maxBytes || inMemory + length > MOST_IN_MEMORY) return undefined
    inMemory += length
    try {
      if (!(await mayKeep(store.counters, owner, length))) return undefined
      const body = read ?? (await readBody(raw, length))
      const ticket = randomSecret()
      const text = sealForm(keyRing, boundTo(owner, ticket), formOf(request, body))
      return (await store.versioned.create(NAMESPACE, sha256(ticket), text, keepMs)) ? ticket : undefined
    } finally {
      inMemory -= length
    }
  }

  const load = async (ticket: string, owner: FormOwner) => {
    const record = isTicket(ticket) ? await store.versioned.load(NAMESPACE, sha256(ticket)) : undefined
    const form = record && openForm(keyRing, boundTo(owner, ticket), record.value)
    return form && { form, version: record.version }
  }

  return {
    keep,
    find: async (ticket, owner) => (await load(ticket, owner))?.form,
    async take(ticket, owner, target) {
      const found = await load(ticket, owner)
      if (found?.form.target !== target) return undefined
      const { version, form } = found
      const { keepMs } = owner.site.forms
      return (await store.versioned.replace(NAMESPACE, sha256(ticket), version, SPENT, keepMs)) ? form : undefined
    },
  }
}

/** 256 random bits. */
const TICKET = /^[A-Za-z0-9_-]{43}$/

export function isTicket(text: string): boolean {
  return TICKET.test(text)
}

/** The user of a session, in the browser that the site knows. */
export function ownerOf(site: Site, { browser }: KnownUser, { userId }: Pick<Session, 'userId'>): FormOwner {
  return { site, user: { browser, userId } }
}

function formOf({ target, raw }: AccessRequest, body: Buffer): KeptForm {
  const contentType = raw.headers['content-type'] ?? ''
  return { target: target.target, contentType, referer: raw.headers.referer, body, ...formFields(contentType, body) }
}

/** Counted by what was kept within the time that a form is: never less than what is there now. */
async function mayKeep(counters: Store['counters'], { site, user }: FormOwner, length: number): Promise<boolean> {
  const { maxBytes, keepMs } = site.forms
  const key = `kept-forms:${sha256(JSON.stringify([site.agent, site.realm, user.userId]))}`
  const { count } = await counters.add(key, length, keepMs)
  return count <= Math.max(MOST_OF_ONE, 4 * maxBytes)
}

function boundTo({ site, user }: FormOwner, ticket: string): readonly string[] {
  return ['kept form v1', site.agent, site.realm, user.userId, user.browser, ticket]
}

function sealForm(keyRing: KeptFormsDeps['keyRing'], bound: readonly string[], form: KeptForm): string {
  const { kid, key } = keyRing.current('forms')
  const { body, ...head } = form
  const plain = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body])
  return `${kid}.${encrypt(key, Buffer.from(JSON.stringify([...bound, kid])), plain).toString('base64url')}`
}

function openForm(keyRing: KeptFormsDeps['keyRing'], bound: readonly string[], text: string): KeptForm | undefined {
  const dot = text.indexOf('.')
  if (dot === -1) return undefined
  const kid = text.slice(0, dot)
  const bytes = decodeBase64url(text.slice(dot + 1))
  const key = bytes && keyRing.known('forms', kid)?.key
  const plain = bytes && key && decrypt(key, Buffer.from(JSON.stringify([...bound, kid])), bytes)
  if (plain === undefined) return undefined
  const end = plain.indexOf('\n')
  const head = JSON.parse(plain.toString('utf8', 0, end)) as Omit<KeptForm, 'body'>
  return { ...head, body: plain.subarray(end + 1) }
}
