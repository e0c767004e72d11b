import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentCookieOf, agentCookieSchema, type AgentCookie } from './agent-cookie.schema.ts'
import { profileOf, siteOf } from './gateway.fixture.ts'

function cookieOf(url: string, cookie: object = {}): AgentCookie {
  return agentCookieOf({ url, cookie: agentCookieSchema.parse(cookie) }, 'SSOTokenID')
}

test('a preset gives the name that other products have, and a name of its own goes before it', () => {
  const nameOf = (preset: string, url = 'https://app.acme.example'): string => cookieOf(url, { preset }).name
  assert.equal(cookieOf('https://app.acme.example').name, 'SSOTokenID')
  assert.equal(nameOf('gatehouse'), 'SSOTokenID')
  assert.equal(nameOf('openam'), 'iPlanetDirectoryPro')
  assert.equal(nameOf('oracle-10g'), 'ObSSOCookie')
  assert.equal(cookieOf('https://app.acme.example', { preset: 'openam', name: 'Mine' }).name, 'Mine')
})

test('RFC 6265 §4.1.1: a name after host and port is a token, whatever the host', () => {
  const names = [
    'https://app.acme.example',
    'http://app.acme.example',
    'https://app.acme.example:8443',
    'http://[::1]:80',
  ]
  assert.deepEqual(
    names.map((url) => cookieOf(url, { preset: 'oracle-11g' }).name),
    [
      'OAMAuthnCookie_app.acme.example_443',
      'OAMAuthnCookie_app.acme.example_80',
      'OAMAuthnCookie_app.acme.example_8443',
      'OAMAuthnCookie____1__80',
    ],
  )
})

test('of several domains the one that covers the host counts, by whole labels', () => {
  const domainOf = (domain: string | readonly string[]): string | undefined =>
    cookieOf('https://a.acme.example', { name: 'c', domain }).domain
  assert.equal(domainOf('acme.example'), 'acme.example')
  assert.equal(domainOf(['partner.example', 'acme.example']), 'acme.example')
  assert.equal(domainOf(['partner.example', 'cme.example']), undefined)
  assert.equal(cookieOf('https://a.acme.example').domain, undefined)
})

test('what a profile may say of its cookie, and what would break it', () => {
  assert.deepEqual(agentCookieSchema.parse({}), { preset: 'gatehouse', path: '/', sameSite: 'lax', persistent: false })
  const refused = [
    { preset: 'siteminder' },
    { path: '/app' },
    { sameSite: 'strict' },
    { name: 'a b' },
    { name: 'a:b' },
    { name: 'a;b' },
    { domain: [] },
    { domain: 'a\r\nb' },
  ]
  for (const cookie of refused) assert.equal(agentCookieSchema.safeParse(cookie).success, false, JSON.stringify(cookie))
})

test('a host-only cookie over https has __Host- whatever its preset; a shared one and one over http have not', () => {
  const site = (url: string, cookie: object) => siteOf(profileOf('http://10.0.0.5', { url, cookie }))
  for (const [preset, name] of [
    ['openam', 'iPlanetDirectoryPro'],
    ['oracle-10g', 'ObSSOCookie'],
    ['oracle-11g', 'OAMAuthnCookie_a.acme.test_443'],
  ]) {
    const { cookies, audience } = site('https://a.acme.test', { preset })
    assert.equal(cookies.token, `__Host-${name}`)
    assert.deepEqual(cookies.attributes, { secure: true, domain: undefined, sameSite: 'lax' })
    assert.equal(audience, 'agent:app')
    assert.ok(cookies.stripped.has(`${name}`) && cookies.stripped.has(`__Host-${name}`))
  }
  const shared = site('https://a.acme.test', { preset: 'oracle-10g', domain: 'acme.test' })
  assert.equal(shared.cookies.token, 'ObSSOCookie')
  assert.equal(shared.audience, 'domain:acme.test/ObSSOCookie')
  assert.equal(site('http://a.acme.test', { preset: 'openam' }).cookies.token, 'iPlanetDirectoryPro')
})
