import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import type { RealmName } from '../base/brand.ts'
import { PUBLIC, THEME } from './login-host.fixture.ts'
import { inlineLogos } from './logos.ts'
import { lookSchema } from './look.schema.ts'
import type { ErrorPages, Refusal, RefusalKind } from '../http/refusal-page.ts'
import { createPages } from './pages.ts'
import { loadPublicFiles } from './public-files.ts'

const KINDS: readonly RefusalKind[] = [
  'forbidden',
  'unavailable',
  'bad-request',
  'unknown-host',
  'method-not-allowed',
  'loop',
  'open-at-top-level',
  'form-waits',
  'goes-on',
  'upstream',
  'not-found',
  'internal',
]

const HOME = 'https://login.example.com/'

async function pages(logos: ReadonlyMap<RealmName, string> = new Map()): Promise<ErrorPages> {
  const look = lookSchema.parse({ title: 'Acme', color: '#0f766e' })
  const realms = [{ name: '/employees' as RealmName, look }]
  return createPages({ files: await loadPublicFiles(PUBLIC), realms, logos, homeUrl: HOME })
}

const refusal = (kind: RefusalKind, more: Partial<Refusal> = {}): Refusal => ({
  kind,
  status: 403,
  requestId: 'req-7',
  realm: '/employees' as RealmName,
  ...more,
})

for (const kind of KINDS) {
  test(`${kind}: one document with its request id, no script and nothing to fetch`, async () => {
    const { html, headers } = (await pages()).render(refusal(kind, { loginUrl: 'https://login.example.com/login' }))
    assert.match(html, /req-7/)
    assert.match(html, /<h1 class="heading">[^<]+<\/h1>/)
    assert.match(html, /<a class="button" href=/, 'a way out')
    assert.doesNotMatch(html, /<script|<link|<img|\sstyle=|url\(|@import/)
    assert.equal(headers['cache-control'], 'no-store')
  })
}

test('the one style element is the one that the content security policy names', async () => {
  const { html, headers } = (await pages()).render(refusal('forbidden'))
  const css = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(css).digest('base64')
  assert.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'`,
  )
  assert.match(css, /--accent:#0f766e/)
})

test('the logo of the realm is part of the page, and only data may be shown', async () => {
  const look = lookSchema.parse({ logo: 'logo.svg' })
  const realm = '/employees' as RealmName
  const logos = await inlineLogos([
    { name: realm, look, themeDir: THEME },
    { name: '/gone' as RealmName, look, themeDir: `${THEME}/no-such-folder` },
  ])
  assert.deepEqual([...logos.keys()], [realm])
  const { html, headers } = (await pages(logos)).render(refusal('forbidden'))
  assert.match(html, /<img src="data:image\/svg\+xml;base64,[\w+/=]+" alt="">/)
  assert.match(headers['content-security-policy'] ?? '', /; img-src data:; form-action 'none'/)
})

test('what a frame is told can be seen inside the frame, and opens in a window of its own', async () => {
  const loginUrl = 'https://login.example.com/login'
  const { html, headers } = (await pages()).render(refusal('open-at-top-level', { loginUrl }))
  assert.doesNotMatch(headers['content-security-policy'] ?? '', /frame-ancestors/)
  assert.match(html, /href="https:\/\/login\.example\.com\/login" target="_blank" rel="noopener"/)
})

test('a loop is told with its cause', async () => {
  const rendered = await pages()
  const text = (cause: Refusal['cause']): string => rendered.render(refusal('loop', { cause })).html
  assert.match(text('cookie-not-returned'), /did not send the cookie back/)
  assert.match(text('two-cookies'), /two different cookies/)
  assert.match(text('clock'), /clock/)
  assert.match(text('secure-over-http'), /https:\/\//)
  assert.match(text(undefined), /Close all windows/)
})

test('a refusal says who is signed in, which policy decided, and offers the ways out', async () => {
  const facts = { username: 'carol', policies: ['finance-only'], siteTitle: 'Payroll' }
  const links = { loginUrl: 'https://login.example.com/login', logoutUrl: '/.gatehouse/logout' }
  const { html } = (await pages()).render(refusal('forbidden', { ...facts, ...links }))
  for (const expected of ['carol', 'finance-only', 'Payroll', links.loginUrl, links.logoutUrl]) {
    assert.ok(html.includes(expected), expected)
  }
})

test('what is forbidden may be the start page itself: the way out is the page of the login host', async () => {
  const { html } = (await pages()).render(refusal('forbidden'))
  assert.match(html, /class="button" href="https:\/\/login\.example\.com\/"/)
})

test('the wait is a header and a sentence', async () => {
  const { html, headers } = (await pages()).render(refusal('unavailable', { retryAfterSeconds: 4.2 }))
  assert.equal(headers['retry-after'], '5')
  assert.match(html, /wait 5 seconds/)
})

test('the page speaks the language the browser asks for', async () => {
  const { html, headers } = (await pages()).render(refusal('not-found', { acceptLanguage: 'ja' }))
  assert.match(html, /<html lang="ja"/)
  assert.equal(headers['content-language'], 'ja')
})

test('a realm nobody knows has the default look', async () => {
  const { html } = (await pages()).render(refusal('forbidden', { realm: '/gone' as RealmName }))
  assert.match(html, /Gatehouse/)
})
