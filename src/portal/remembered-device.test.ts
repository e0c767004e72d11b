import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Authn } from '../authn/authn.ts'
import type { Step } from '../authn/step.ts'
import { Browser } from './browser.fixture.ts'
import { openLoginHost } from './login-host.fixture.ts'

const KEPT = { name: '__Host-gatehouse-device-abc', value: 'id.secret', expiresAt: 86_400_000 }
const PAGE = {
  kind: 'ask',
  authId: 'handle',
  realm: '/employees',
  stage: 'totp',
  callbacks: [
    { type: 'NameCallback', prompt: 'code', oneTimeCode: true },
    {
      type: 'BooleanAttributeInputCallback',
      name: 'rememberDevice',
      prompt: 'device.remember',
      parameters: { days: '30' },
    },
  ],
  enrols: false,
  others: [],
  username: 'bob',
  failure: undefined,
  retryAfterSeconds: undefined,
  destination: { goto: undefined, handshake: undefined },
} as unknown as Extract<Step, { kind: 'ask' }>

test('the box stands under the code, is empty at first, and keeps what was ticked', async (t) => {
  const answered: (readonly string[])[] = []
  const authn: Authn = {
    begin: () => Promise.resolve(PAGE),
    submit: ({ answers }) => {
      answered.push(answers)
      return Promise.resolve({ ...PAGE, failure: 'wrong-code' })
    },
  }
  const host = await openLoginHost({ parts: { authn } })
  t.after(() => host.close())
  const browser = new Browser(host.url)
  const page = await browser.get('/login/employees')
  assert.match(
    page.text,
    /<label class="check"[^>]*><input type="checkbox" id="IDToken2" name="IDToken2" value="true">/,
  )
  assert.match(page.text, /for 30 days/)
  const again = await browser.submit(page, { IDToken1: '000000', IDToken2: 'true' })
  assert.match(again.text, /name="IDToken2" value="true" checked>/)
  // A box that is not ticked is not sent.
  await browser.submit(again, { IDToken1: '000000' })
  assert.deepEqual(answered, [['000000', 'true'], ['000000']])
})

test('what a login leaves with the browser is a cookie of this host alone, which no script reads', async (t) => {
  const authn: Authn = {
    begin: () => Promise.resolve({ ...PAGE, keeps: [KEPT] }),
    submit: () => Promise.resolve(PAGE),
  }
  const host = await openLoginHost({ https: true, parts: { authn } })
  t.after(() => host.close())
  const { setCookies } = await new Browser(host.url).get('/login/employees')
  const cookie = setCookies.find((text) => text.startsWith('__Host-gatehouse-device-abc=id.secret;')) ?? ''
  for (const attribute of ['Max-Age=86400', 'Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) {
    assert.ok(cookie.split('; ').includes(attribute), `${attribute} in ${cookie}`)
  }
  assert.ok(!/domain/i.test(cookie))
})
