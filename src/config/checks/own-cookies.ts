import { agentCookieOf } from '../../gateway/agent-cookie.schema.ts'
import { bareName } from '../../http/cookies.ts'
import type { CheckInput } from './check.ts'

/** What the gateway, and the pages of the login host, know by these names. */
const OURS = /^gatehouse[-_.]/

/** Whether a cookie has the name of one of the gateway's own, in any case and with any prefix. */
export function ownCookies({ gatehouse, agents }: CheckInput): (name: string) => boolean {
  const login = gatehouse?.value.login.cookieName ?? ''
  const taken = new Set([login, ...agents.map(({ value }) => agentCookieOf(value, login).name)].map(bareName))
  return (name) => OURS.test(bareName(name)) || taken.has(bareName(name))
}
