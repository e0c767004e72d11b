import { isSameOrigin } from '../http/csrf.ts'
import { requestKind } from '../http/request-kind.ts'
import type { Session } from '../session/session.ts'
import type { AccessRequest } from './access-request.ts'
import type { FormTicket } from '../http/refusal-page.ts'
import { isFormType } from './form-fields.ts'
import { pageUrl } from './login-address.ts'
import { ownerOf, type KeptForm, type KeptForms } from './kept-forms.ts'
import type { KnownUsers } from './known-user.ts'
import { announcedLength } from './read-body.ts'
import type { Site } from './site.ts'

/** Name below `/.gatehouse/` of the page that offers to send a kept form. */
export const FORM_ENDPOINT = 'form'

/** Name of the one field by which that page sends it. */
export const TICKET_FIELD = 'gatehouse-form'

/** Where a login leads to that interrupted a form, and what the browser has to remember for it. */
export interface Return {
  readonly goto: string
  readonly cookies: readonly string[]
}

export interface FormKeepingDeps {
  readonly keptForms: KeptForms
  readonly knownUsers: KnownUsers
}

/**
 * Whether a request that has to wait for a login is a form that may be sent after it: a person's, of a page of the site itself. What
 * another site sends here is never kept: sent again it would come from the site, and pass every check against forgery (request
 * laundering).
 */
export function isKeepable({ site, raw, method, upgrade }: AccessRequest): boolean {
  const { headers } = raw
  return (
    method === 'POST' &&
    !upgrade &&
    isFormType(headers['content-type']) &&
    headers['content-encoding'] === undefined &&
    requestKind(method, headers) === 'navigation' &&
    isSameOrigin(headers, site.url)
  )
}

/**
 * Keeps the form for who is signed in, or was signed in with this browser last: who never was writes nothing into the store. Rejects
 * with a fault when it cannot be kept now.
 */
export async function keepForm(
  { keptForms, knownUsers }: FormKeepingDeps,
  { request, body }: { readonly request: AccessRequest; readonly body: Buffer | undefined },
  session: Session | undefined,
): Promise<Return> {
  const { site, raw } = request
  const { cookie } = raw.headers
  const noted = session === undefined ? undefined : knownUsers.note(site, cookie, session)
  const user = noted ?? knownUsers.read(site, cookie)
  if (announcedLength(raw) === 0) return { goto: pageUrl(request), cookies: [] }
  const ticket = user === undefined ? undefined : await keptForms.keep(request, { site, user }, body)
  if (ticket === undefined) return { goto: lostUrl(request), cookies: [] }
  return { goto: formUrl(site, ticket), cookies: noted === undefined ? [] : [noted.cookie] }
}

/** The page that offers to send a kept form. */
export function formUrl(site: Site, ticket: string): string {
  return `${site.url}/.gatehouse/${FORM_ENDPOINT}?ticket=${ticket}`
}

/** Characters of a path; a login page takes no address of more than 2,000, encoded. */
const LONGEST_FROM = 500

/** The page that says that the form was not kept, and leads back to where it was filled in. */
function lostUrl(request: AccessRequest): string {
  const path = pageUrl(request).slice(request.site.url.length, LONGEST_FROM + request.site.url.length)
  return `${request.site.url}/.gatehouse/${FORM_ENDPOINT}?${new URLSearchParams({ from: path }).toString()}`
}

/** The kept form of a ticket, as far as it is this session's in this browser. */
export async function findForm(
  { keptForms, knownUsers }: FormKeepingDeps,
  { site, raw }: AccessRequest,
  { ticket, session }: { readonly ticket: string; readonly session: Session },
): Promise<KeptForm | undefined> {
  const known = knownUsers.read(site, raw.headers.cookie)
  return known && keptForms.find(ticket, ownerOf(site, known, session))
}

/** The same, to be sent by `request`: once. */
export async function takeForm(
  { keptForms, knownUsers }: FormKeepingDeps,
  { site, raw, target }: AccessRequest,
  { ticket, session }: { readonly ticket: string; readonly session: Session },
): Promise<KeptForm | undefined> {
  const known = knownUsers.read(site, raw.headers.cookie)
  return known && keptForms.take(ticket, ownerOf(site, known, session), target.target)
}

/** What the page shows of it. */
export function formTicket({ target, fields, files, body }: KeptForm, ticket: string): FormTicket {
  return { action: target, field: TICKET_FIELD, ticket, fields, files, bytes: body.length }
}

/** HTML, text/plain encoding algorithm: name, `=`, value, CRLF. */
const TICKET_BODY = new RegExp(`^${TICKET_FIELD}=([A-Za-z0-9_-]{43})\r\n$`)
const TICKET_LENGTH = String(TICKET_FIELD.length + 1 + 43 + 2)

/** Whether a request may be the click on that page; only its body tells, and only such a one is read. */
export function mayCarryTicket({ method, raw, upgrade }: AccessRequest): boolean {
  if (method !== 'POST') return false
  const { headers } = raw
  return headers['content-type'] === 'text/plain' && headers['content-length'] === TICKET_LENGTH && !upgrade
}

export function ticketOf(body: Buffer): string | undefined {
  return TICKET_BODY.exec(body.toString('latin1'))?.[1]
}
