import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteConfig } from './agent-profile.schema.ts'
import { askableOf } from './askable-site.ts'
import { explainAt, type WrittenRequest } from './asked-request.ts'
import { factsOf, NOW, profileOf, sessionOf, siteOf } from './gateway.fixture.ts'

const ASKER = { session: sessionOf('s1'), facts: factsOf(), now: NOW }

function explained(profile: Partial<Record<keyof SiteConfig, unknown>>, asked: Partial<WrittenRequest>) {
  const site = siteOf(profileOf('http://127.0.0.1:1', profile))
  return explainAt(site, { target: '/x', method: 'GET', ip: '192.0.2.1', ...asked }, ASKER)
}

test('a request is told as the gateway takes it: refused, let through without a question, or decided', () => {
  const cases: readonly (readonly [Parameters<typeof explained>[0], Partial<WrittenRequest>, RegExp])[] = [
    [{}, { target: '/x' }, /^asked allowed/],
    [{}, { target: '/admin' }, /^asked denied/],
    [{}, { method: 'get' }, /^unasked method-not-allowed/],
    [{}, { ip: '' }, /^asked allowed/],
    [{}, { target: '/a/../x' }, /^refused the gateway refuses this address/],
    [{}, { ip: 'nonsense' }, /^refused .*no IP address/],
    [{}, { target: '/public/x' }, /^unasked not-enforced/],
    [{ allowedMethods: ['GET'] }, { method: 'POST' }, /^unasked method-not-allowed: the site takes GET$/],
    [{ allowedMethods: ['GET', 'TRACE'] }, { method: 'TRACE' }, /^unasked method-not-allowed: the site takes GET$/],
    [{ ssoOnly: true }, {}, /^unasked sso-only/],
  ]
  for (const [profile, asked, told] of cases) {
    const answer = explained(profile, asked)
    const words = answer.kind === 'asked' ? (answer.explanation.decision.allowed ? 'allowed' : 'denied') : answer.why
    assert.match(`${answer.kind} ${words}`, told, JSON.stringify([profile, asked]))
  }
})

test('what the command line makes of a profile is what the gateway makes of it', () => {
  const profile = profileOf('http://127.0.0.1:1', {
    allowedMethods: ['GET', 'TRACE', 'POST'],
    encodedPaths: [
      { prefix: '/a/', allow: ['encoded-slash'] },
      { prefix: '/a/b/', allow: ['empty-segment'] },
    ],
    notEnforced: [{ path: '/open/*' }],
    policySet: 'level',
  })
  const site = siteOf(profile)
  const askable = askableOf(profile, site.pdp)
  for (const key of ['pdp', 'policySet', 'resourceBase', 'ssoOnly', 'encodedPaths', 'allowedMethods'] as const)
    assert.deepEqual(askable[key], site[key], key)
  for (const path of ['/open/x', '/x']) {
    const visitor = { method: 'GET', ip: '192.0.2.1', path, alternatives: [] }
    assert.equal(askable.notEnforced(visitor), site.notEnforced(visitor))
  }
})
