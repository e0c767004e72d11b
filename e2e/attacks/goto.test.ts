import assert from 'node:assert/strict'
import { leadsNowhereElse, noServerError } from './oracles.ts'
import { ORIGINS, PASSWORDS } from './rig-config.ts'
import type { Page } from './browser.ts'
import type { Rig, SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'

interface GotoVector {
  readonly id: string
  readonly goto: string
  readonly verdict: 'refuse' | 'allow' | 'default'
}

let bob: SignedIn

const STATE = `${'A'.repeat(43)}.0`

/** Every address that takes a `goto` in its query, signed in and not. */
const SINKS = (goto: string): readonly string[] => [
  `/login/employees?goto=${goto}`,
  `/login/employees?goto=${goto}&agent=app&state=${STATE}`,
  `/login/employees?goto=${goto}&agent=shop&state=${STATE}`,
  `/login/employees?goto=${goto}&ForceAuth=true`,
  `/login/employees?goto=${goto}&locale=de`,
  `/login/customers?goto=${goto}`,
  `/logout?goto=${goto}`,
  `/logout?agent=app&goto=${goto}`,
  `/logged-out?goto=${goto}`,
  `/logged-out?agent=${goto}&realm=${goto}`,
  `/login/employees?goto=${encodeURIComponent(ORIGINS.app)}&goto=${goto}`,
]

async function everySink(rig: Rig, { id, goto }: GotoVector): Promise<void> {
  const long = id === 'long' ? `/${'a'.repeat(9_000)}` : goto
  for (const value of [encodeURIComponent(long), encodeURIComponent(encodeURIComponent(long))])
    for (const path of SINKS(value))
      for (const client of [bob.client, rig.browser()]) {
        rig.tally.sent++
        const page = await client.call(`${ORIGINS.login}${path}`)
        noServerError(rig, page, path)
        leadsNowhereElse(rig, page, `${ORIGINS.login}/login`, path)
      }
}

/** Where a person lands after the login form: with what was typed, and the goto in the form's address and in its body. */
async function landing(rig: Rig, goto: string): Promise<Page> {
  const client = rig.browser()
  rig.tally.sent++
  const page = await client.call(`${ORIGINS.login}/login/employees?goto=${encodeURIComponent(goto)}`)
  noServerError(rig, page, goto)
  const answer = await client.submitLogin(page, 'bob', PASSWORDS.bob)
  leadsNowhereElse(rig, answer, answer.url, goto)
  return answer
}

runVectors<GotoVector>('goto', {
  async setUp(rig) {
    bob = await rig.signIn('bob')
  },
  async every(rig, vector) {
    const { goto, verdict } = vector
    await everySink(rig, vector)
    const direct = await bob.client.call(`${ORIGINS.login}/login/employees?goto=${encodeURIComponent(goto)}`)
    assert.equal(direct.status, 302)
    const wanted = goto.startsWith('/') ? ORIGINS.login + goto : goto
    assert.equal(direct.location, verdict === 'allow' ? wanted : '/', 'with a session')
    // Back to what was validated, that very string; and the form's own path as well.
    const after = await landing(rig, goto)
    assert.equal(after.status, 303)
    assert.equal(after.location, verdict === 'allow' ? wanted : '/', 'after a login')
  },
})
