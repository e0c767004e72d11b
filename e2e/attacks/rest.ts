import assert from 'node:assert/strict'
import { PASSWORDS, ORIGINS } from './rig-config.ts'
import { TOKEN_COOKIE, type Rig, type SignedIn } from './rig.ts'
import type { WireAnswer } from './wire.ts'

export interface RestCall {
  readonly method?: string
  readonly host?: string
  /** Header lines, CRLF at the end of each. */
  readonly headers?: string
  readonly body?: string
}

export const JSON_TYPE = 'Content-Type: application/json\r\n'
export const EMPLOYEES = '/json/realms/root/realms/employees/sessions'
const VERSION = 'Accept-API-Version: resource=5.1, protocol=1.0\r\n'

/** One request to the REST interface of the login host. */
export async function rest(rig: Rig, path: string, call: RestCall = {}): Promise<WireAnswer> {
  const { method = 'POST', host = 'gw.example.com', headers = '', body = '' } = call
  const length = method === 'GET' || method === 'HEAD' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  const answer = await rig.ask(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}${length}\r\n${body}`)
  assert.ok(answer !== undefined, `${method} ${path} was not answered`)
  return answer
}

/** As programs say who they are; browsers do by the cookie. */
export function byHeader({ client }: Pick<SignedIn, 'client'>): string {
  return `${VERSION}SSOTokenID: ${loginToken({ client })}\r\n`
}

export function loginToken({ client }: Pick<SignedIn, 'client'>): string {
  return client.cookie('gw.example.com', TOKEN_COOKIE) ?? ''
}

/** Whether a token opens anything at the login host. */
export async function isValid(rig: Rig, token: string): Promise<boolean> {
  rig.tally.checks++
  const body = JSON.stringify({ tokenId: token })
  const answer = await rest(rig, `${EMPLOYEES}?_action=validate&refresh=false`, { headers: JSON_TYPE + VERSION, body })
  assert.equal(answer.status, 200)
  return (JSON.parse(answer.body) as { valid: boolean }).valid
}

/** Signed in at the login host as the administrator of all realms. */
export async function signInRoot(rig: Rig): Promise<Pick<SignedIn, 'client'>> {
  const client = rig.browser()
  rig.tally.sent++
  const form = await client.call(`${ORIGINS.login}/login/`)
  assert.equal((await client.submitLogin(form, 'root', PASSWORDS.root)).status, 303)
  rig.canaries.add(loginToken({ client }).split('*', 1)[0] ?? '')
  return { client }
}

/** The handles of everybody's sessions in the realm. */
export async function handlesIn(rig: Rig, root: Pick<SignedIn, 'client'>, filter: string): Promise<readonly string[]> {
  const path = `${EMPLOYEES}?_queryFilter=${encodeURIComponent(filter)}`
  const answer = await rest(rig, path, { method: 'GET', headers: byHeader(root) })
  assert.equal(answer.status, 200)
  return (JSON.parse(answer.body) as { result: { sessionHandle: string }[] }).result.map(
    ({ sessionHandle }) => sessionHandle,
  )
}
