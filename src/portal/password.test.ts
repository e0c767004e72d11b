import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OwnFactors } from '../authn/own-factors.ts'
import type { OwnPasswordOutcome, PasswordEntry } from '../authn/own-password.ts'
import { Browser } from './browser.fixture.ts'
import { noFactors, openLoginHost } from './login-host.fixture.ts'

const PATH = '/account/password?realm=%2Femployees'
const FORM = { current: 'the present password', new: 'another good password', again: 'another good password' }

async function open(
  t: TestContext,
  outcome: OwnPasswordOutcome = { kind: 'changed' },
  more: { proved?: boolean; minLength?: number | undefined } = {},
) {
  const changes: PasswordEntry[] = []
  const ownFactors: OwnFactors = { ...noFactors, mayChange: () => Promise.resolve(more.proved ?? true) }
  const ownPassword = {
    minLengthFor: () => ('minLength' in more ? more.minLength : 15),
    change: (_session: unknown, passwords: PasswordEntry) => {
      changes.push(passwords)
      return Promise.resolve(outcome)
    },
  }
  const host = await openLoginHost({ parts: { ownFactors, ownPassword } })
  t.after(() => host.close())
  const browser = new Browser(host.url)
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  return { browser, changes, host }
}

test('the form changes the password, says so after our own form only, and shows nothing of what was typed', async (t) => {
  const { browser, changes } = await open(t)
  const page = await browser.get(PATH)
  assert.match(page.text, /At least 15 characters/)
  assert.match(page.text, /autocomplete="new-password"/)
  const done = await browser.submit(page, FORM)
  assert.deepEqual(changes, [{ current: FORM.current, next: FORM.new }])
  assert.deepEqual([done.status, done.headers['location']], [303, `${PATH}&changed=1`])
  assert.match((await browser.get(`${PATH}&changed=1`)).text, /Your password is changed/)
})

test('two entries that differ reach nobody; each refusal has its own words and status', async (t) => {
  const cases: readonly [OwnPasswordOutcome, number, RegExp][] = [
    [{ kind: 'wrong' }, 401, /The current password is not right/],
    [{ kind: 'throttled', retryAfterMs: 4_000 }, 429, /Too many tries\. Wait 4 seconds/],
    [{ kind: 'refused', flaw: { kind: 'too-short', atLeast: 15 } }, 400, /at least 15 characters/],
    [{ kind: 'refused', flaw: { kind: 'common' } }, 400, /tried first/],
    [{ kind: 'refused', flaw: { kind: 'too-weak' } }, 400, /does not meet the rules of your organisation/],
    [{ kind: 'refused', flaw: { kind: 'too-short-there' } }, 400, /By the rules of your organisation/],
    [{ kind: 'refused', flaw: { kind: 'too-soon' } }, 400, /only a short while ago/],
    [{ kind: 'refused', flaw: { kind: 'not-allowed' } }, 400, /may not change this password yourself/],
    [{ kind: 'stale' }, 409, /changed elsewhere/],
  ]
  for (const [outcome, status, words] of cases) {
    const { browser } = await open(t, outcome)
    const answer = await browser.submit(await browser.get(PATH), FORM)
    assert.equal(answer.status, status)
    assert.match(answer.text, words)
    assert.ok(!Object.values(FORM).some((typed) => answer.text.includes(typed)))
  }
  const { browser, changes } = await open(t)
  const differs = await browser.submit(await browser.get(PATH), { ...FORM, again: 'something else' })
  assert.deepEqual([differs.status, changes], [400, []])
})

test('a session that proved itself too long ago proves itself first, for the form as for the page', async (t) => {
  const { browser, changes } = await open(t, { kind: 'changed' }, { proved: false })
  for (const answer of [await browser.get(PATH), await browser.post(PATH, FORM)]) {
    assert.equal(answer.status, 303)
    assert.match(answer.headers['location'] ?? '', /^\/login\/employees\?goto=%2Faccount%2Fpassword.*AuthenticationAge/)
  }
  assert.deepEqual(changes, [])
})

test('a form from elsewhere changes nothing, and who is not signed in signs in first', async (t) => {
  const { browser, changes, host } = await open(t)
  const forged = await browser.post(PATH, FORM, { origin: 'https://evil.example' })
  assert.deepEqual([forged.status, changes], [403, []])
  const stranger = await new Browser(host.url).get(PATH)
  assert.match(stranger.headers['location'] ?? '', /^\/login\/employees\?goto=%2Faccount/)
})

test('where passwords are kept elsewhere the page says so and has no form', async (t) => {
  const { browser } = await open(t, { kind: 'elsewhere' }, { minLength: undefined })
  const page = await browser.get(PATH)
  assert.match(page.text, /cannot be changed here/)
  assert.doesNotMatch(page.text, /type="password"/)
  assert.match((await browser.get('/account')).text, /href="\/account\/password/)
})
