import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { GatehouseError } from '../errors.ts'
import type { Effect } from './candidates.ts'
import { compilePolicies } from './compile.ts'
import type { AccessQuery, PolicyDecisionPoint, Resource } from './decision.ts'
import { parsePattern, targetOf } from './pattern.ts'
import type { PolicyConfig } from './policies.schema.ts'

const SET = 'iPlanetAMWebAgentService'

function policy(name: string, resources: readonly string[], effect: Effect = 'allow'): PolicyConfig {
  return {
    name,
    active: true,
    policySet: SET,
    resources: [...resources],
    actions: { GET: effect },
    subject: { type: 'Group', groups: ['staff'] },
    condition: { type: 'AuthLevel', authLevel: 1 },
    responseAttributes: [],
  }
}

function ask(resource: Resource): AccessQuery {
  return {
    policySet: SET,
    resource,
    action: 'GET',
    session: {
      realm: '/employees' as RealmName,
      userId: 'u1',
      username: 'alice',
      authLevel: 1,
      authModules: ['password'],
      authInstant: 0 as EpochMs,
      createdAt: 0 as EpochMs,
      properties: {},
    },
    facts: { groups: new Set(['staff']), attributes: {} },
    clientIp: '127.0.0.1',
    now: 0 as EpochMs,
  }
}

suite('the index', () => {
  const host = fc.constantFrom('a.test', 'b.test', '*.test', '*')
  const segment = fc.constantFrom('x', 'X', 'y', '%78', '-*-', '*', 'x*', '')
  const patterns = fc
    .record({ host, path: fc.array(segment, { maxLength: 4 }), query: fc.constantFrom('', '?*', '?q') })
    .map((parts) => `*://${parts.host}/${parts.path.join('/')}${parts.query}`)
  const policies = fc.array(
    fc.record({
      resources: fc.array(patterns, { minLength: 1, maxLength: 3 }),
      effect: fc.constantFrom<Effect>('allow', 'deny'),
    }),
    { maxLength: 8 },
  )
  const resources = fc.record({
    host: fc.constantFrom('a.test', 'b.test', 'c.test'),
    path: fc
      .array(fc.constantFrom('x', 'X', 'y', '%78', 'xx', 'x;p', ''), { maxLength: 4 })
      .map((parts) => `/${parts.join('/')}`),
    query: fc.constantFrom(undefined, '', 'q'),
  })

  test('finds exactly the policies that asking every pattern would find, in the order of the configuration', () => {
    fc.assert(
      fc.property(policies, resources, (drawn, { host: name, path, query }) => {
        const resource: Resource = { scheme: 'https', host: name, port: 443, path, query }
        const configs = drawn.map(({ resources: texts, effect }, i) => policy(`p${i}`, texts, effect))
        const expected = configs.filter((config) => coversNaively(config, resource)).map((config) => config.name)
        const { trace } = compilePolicies(configs).explain(ask(resource))
        assert.deepEqual(
          trace.filter(({ outcome }) => outcome !== 'resource-differs').map((entry) => entry.policy),
          expected,
        )
      }),
      { numRuns: 2_000 },
    )
  })

  function coversNaively(config: PolicyConfig, resource: Resource): boolean {
    return config.resources.some((text) => {
      const parsed = parsePattern(text)
      return (
        parsed.kind === 'pattern' &&
        parsed.pattern.matches(targetOf(resource), config.actions['GET'] === 'deny' ? 'loose' : 'exact')
      )
    })
  }
})

test('a pattern that config check would refuse is a fault, not a policy that silently never matches', () => {
  assert.throws(
    () => compilePolicies([policy('broken', ['app.test/*'])]),
    (error) =>
      error instanceof GatehouseError &&
      error.code === 'GH_CONFIG_INVALID' &&
      error.detail?.includes('broken') === true,
  )
})

suite('speed', () => {
  const layouts: readonly (readonly [
    name: string,
    pattern: (i: number) => string,
    asked: Omit<Resource, 'scheme' | 'port'>,
  ])[] = [
    ['a host each', (i) => `https://app${i}.test/*`, { host: 'app3.test', path: '/a/b/c', query: undefined }],
    ['a path each', (i) => `*://*:*/area${i}/*`, { host: 'app.test', path: '/area3/b/c', query: undefined }],
    [
      'a deep path each',
      (i) => `https://app.test/api/v1/area${i}/*`,
      { host: 'app.test', path: '/api/v1/area3/b', query: undefined },
    ],
  ]

  for (const [name, pattern, asked] of layouts) {
    test(`${name}: 10,000 policies cost about what 10 cost`, (t) => {
      const pdpOf = (count: number) =>
        compilePolicies(Array.from({ length: count }, (_, i) => policy(`p${i}`, [pattern(i), `${pattern(i)}?*`])))
      const query = ask({ scheme: 'https', port: 443, ...asked })
      const [few, many] = compare(pdpOf(10), pdpOf(10_000), query)
      const ratio = many / few
      t.diagnostic(
        `${name}: ${few.toFixed(2)} µs with 10 policies, ${many.toFixed(2)} µs with 10,000, ratio ${ratio.toFixed(2)}`,
      )
      // A list of all of them would cost a thousand times as much.
      assert.ok(ratio <= 10, `ratio ${ratio}`)
    })
  }

  /** Microseconds per decision, the best of interleaved rounds, so that a busy machine slows both alike. */
  function compare(a: PolicyDecisionPoint, b: PolicyDecisionPoint, query: AccessQuery): readonly [number, number] {
    let bestA = Infinity
    let bestB = Infinity
    for (let round = 0; round < 40; round++) {
      bestA = Math.min(bestA, perDecision(a, query))
      bestB = Math.min(bestB, perDecision(b, query))
    }
    return [bestA, bestB]
  }

  function perDecision(pdp: PolicyDecisionPoint, query: AccessQuery): number {
    const times = 2_000
    let allowed = 0
    const start = performance.now()
    for (let i = 0; i < times; i++) if (pdp.evaluate(query).allowed) allowed++
    const elapsed = performance.now() - start
    assert.equal(allowed, times)
    return (elapsed * 1_000) / times
  }
})

test('a reason stays short, however many groups somebody is in and whatever a property of their session holds', () => {
  const properties = { type: 'SessionProperty', properties: { site: ['home'] }, ignoreValueCase: false } as const
  const pdp = compilePolicies([
    policy('group', ['http://a.test:80/x']),
    { ...policy('property', ['http://a.test:80/x']), subject: { type: 'AuthenticatedUsers' }, condition: properties },
  ])
  const query = ask({ scheme: 'http', host: 'a.test', port: 80, path: '/x', query: undefined })
  const groups = new Set(Array.from({ length: 5_000 }, (_, i) => `group-${i}`))
  const session = { ...query.session, properties: { site: 'x'.repeat(10_000) } }
  const { trace } = pdp.explain({ ...query, session, facts: { groups, attributes: {} } })
  const [byGroup = '', byProperty = ''] = trace.map(({ because }) => because)
  assert.match(byGroup, /group-19 and 4980 more$/)
  assert.ok(byProperty.length < 200, byProperty)
})
