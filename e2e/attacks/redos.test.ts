import assert from 'node:assert/strict'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { EpochMs, RealmName } from '../../src/base/brand.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import type { PolicyConfig } from '../../src/policy/policies.schema.ts'
import { loadWith } from './config-copy.ts'
import { calm, noServerError, upstreamSilent } from './oracles.ts'
import type { Rig } from './rig.ts'
import { runVectors } from './suite.ts'

interface RedosVector {
  readonly id: string
  readonly pattern: string
  readonly input?: string
}

const POLICIES = 'realms/employees/policies.yaml'
const LONG = ['a', '/', ',', 'a/', '-', '/a'].map((unit) => `/${unit.repeat(Math.floor(15_000 / unit.length))}!`)

/** The configuration with one more policy, of this resource. */
function withResource(rig: Rig, resource: string): Promise<LoadedConfig> {
  return loadWith(
    rig,
    POLICIES,
    (before) =>
      `${before}\n  - name: redos\n    resources: [${JSON.stringify(resource)}]\n    actions: { GET: allow }\n    subject: { type: AuthenticatedUsers }\n`,
  )
}

/** A pattern of the configuration takes no part, or matches within milliseconds whatever the path: one that does not takes minutes. */
async function fast(rig: Rig, { pattern }: RedosVector): Promise<void> {
  rig.tally.sent++
  rig.tally.checks++
  const path = pattern.startsWith('/') ? pattern : `/${pattern.replace(/^\^?\/?/, '')}`
  const resource = `https://app.example.com:443${path.replaceAll('?', '%3F').replaceAll('#', '%23')}`
  const { snapshot } = await withResource(rig, resource)
  const policies = snapshot?.realms.get('/employees' as RealmName)?.policies
  if (policies !== undefined)
    for (const input of LONG) assert.ok(timeOf(policies, input) < 250, `${pattern} on ${input.slice(0, 5)}…`)
}

/** Bob's GET of this path. */
function asker(policies: readonly PolicyConfig[], path: string): () => boolean {
  const pdp = compilePolicies(policies)
  const now = Date.now() as EpochMs
  const session = {
    realm: '/employees' as RealmName,
    userId: 'bob',
    username: 'bob',
    authLevel: 1,
    authModules: [],
    authInstant: now,
    createdAt: now,
    properties: {},
  }
  return () =>
    pdp.evaluate({
      policySet: 'iPlanetAMWebAgentService',
      resource: { scheme: 'https', host: 'app.example.com', port: 443, path, query: undefined },
      action: 'GET',
      session,
      facts: { groups: new Set(), attributes: {} },
      clientIp: '127.0.0.1',
      now,
    }).allowed
}

function isAllowed(policies: readonly PolicyConfig[], path: string): boolean {
  return asker(policies, path)()
}

function timeOf(policies: readonly PolicyConfig[], path: string): number {
  const ask = asker(policies, path)
  const time = (): number => {
    const started = performance.now()
    ask()
    return performance.now() - started
  }
  return Math.min(time(), time(), time())
}

async function statusFor(rig: Rig, target: string, host = 'app.example.com'): Promise<number> {
  const bob = await rig.signIn('bob')
  const mark = rig.mark()
  const answer = await rig.ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${bob.cookie('app')}\r\n`)
  noServerError(rig, answer, target)
  upstreamSilent(rig, mark, target)
  return answer?.status ?? 0
}

runVectors<RedosVector>('redos', {
  async every(rig, vector) {
    await fast(rig, vector)
    // And the rig's own patterns, by the wire.
    for (const input of LONG)
      noServerError(rig, await rig.ask(`GET ${input} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`), vector.id)
    await calm(rig, vector.id, 400)
  },
  only: {
    async 'dot-newline'(rig, { input = '' }) {
      assert.equal(await statusFor(rig, input), 400)
    },
    async 'dollar-newline'(rig, { input = '' }) {
      assert.equal(await statusFor(rig, input), 400)
    },
    async 'dot-unescaped'(rig, { input = '' }) {
      assert.equal(await statusFor(rig, '/me', input), 421)
    },
    async 'case-i'(rig) {
      assert.equal(await statusFor(rig, '/ADM%C4%B0N/x'), 403)
      assert.equal(await statusFor(rig, '/%E2%84%AAeys'), 403)
    },
    async 'empty-alt'(rig, { pattern }) {
      // Not a regular expression here: as a resource it stands for its own characters, so its empty branch opens nothing.
      const path = pattern.replace(/^\^/, '')
      const { snapshot } = await withResource(rig, `https://app.example.com:*${path}`)
      const policies = snapshot?.realms.get('/employees' as RealmName)?.policies
      for (const [at, allowed] of [
        ['/', false],
        ['/admin', false],
        ['/admin$', false],
        ['/(|admin)$', true],
      ] as const)
        if (policies !== undefined) assert.equal(isAllowed(policies, at), allowed, at)
      assert.equal(await statusFor(rig, '/'), 403)
      assert.equal(await statusFor(rig, '/admin'), 403)
    },
    async prefix(rig) {
      for (const target of ['/administrator', '/admin-x', '/publicity', '/public', '/mex', '/accounts'])
        assert.equal(await statusFor(rig, target), 403, target)
    },
  },
})
