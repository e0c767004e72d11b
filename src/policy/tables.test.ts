import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { newAnonymousId } from '../session/anonymous.ts'
import { compilePolicies } from './compile.ts'
import type { AccessQuery, Explanation } from './decision.ts'
import { caseQuery } from './case-query.fixture.ts'
import { policiesFileSchema } from './policies.schema.ts'

const MINUTE = 60_000
const texts = z.array(z.string())

const querySchema = z.strictObject({
  policySet: z.string().default('iPlanetAMWebAgentService'),
  url: z.url().default('https://app.test/'),
  ...caseQuery,
  environment: z.record(z.string(), texts).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
  approved: z.boolean().default(false),
})

const outcomeSchema = z.union([
  z.literal('allow'),
  z.strictObject({
    allowed: z.boolean().default(false),
    reason: z.string().optional(),
    policies: texts.default(['p']),
    advices: z.record(z.string(), texts).optional(),
    attributes: z.record(z.string(), texts).optional(),
    attributeNames: texts.optional(),
    endsSession: z.boolean().default(false),
    /** Seconds; not looked at where absent. */
    validFor: z.number().optional(),
    /** Of the first policy that did not allow. */
    because: z.string().optional(),
  }),
])

const tableSchema = z.strictObject({
  about: z.string(),
  policySets: z.array(z.unknown()).default([]),
  policies: z.array(z.record(z.string(), z.unknown())),
  cases: z.array(z.tuple([z.string(), querySchema, outcomeSchema])),
})

type Query = z.infer<typeof querySchema>
type Outcome = z.infer<typeof outcomeSchema>

const folder = new URL('cases/', import.meta.url)
const tables = globSync('*.yaml', { cwd: folder })
  .sort()
  .flatMap((file) => z.array(tableSchema).parse(parse(readFileSync(new URL(file, folder), 'utf8'))))

const DEFAULTS = {
  name: 'p',
  resources: ['https://app.test/*', 'https://app.test/*?*'],
  actions: { GET: 'allow' },
  subject: { type: 'AuthenticatedUsers' },
}

function accessQuery(query: Query): AccessQuery {
  const url = new URL(query.url)
  const https = url.protocol === 'https:'
  const now = Date.parse(query.at)
  return {
    policySet: query.policySet,
    resource: {
      scheme: https ? 'https' : 'http',
      host: url.hostname,
      port: Number(url.port || (https ? 443 : 80)),
      path: url.pathname,
      query: url.search === '' ? undefined : url.search.slice(1),
    },
    action: query.action,
    session: {
      realm: '/employees' as RealmName,
      userId: query.anonymous ? newAnonymousId() : `id-of-${query.username}`,
      username: query.username,
      authLevel: query.authLevel,
      authModules: query.authModules,
      authInstant: (now - query.age * MINUTE) as EpochMs,
      createdAt: (now - (query.sessionAge ?? query.age) * MINUTE) as EpochMs,
      properties: query.properties,
    },
    facts: { groups: new Set(query.groups), attributes: query.attributes },
    clientIp: query.ip,
    now: now as EpochMs,
    approved: query.approved,
    ...(query.names === undefined ? {} : { clientNames: query.names }),
    ...(query.scopes === undefined ? {} : { scopes: query.scopes }),
    ...(query.environment === undefined ? {} : { environment: new Map(Object.entries(query.environment)) }),
    ...(query.claims === undefined ? {} : { claims: query.claims }),
  }
}

function compare(explained: Explanation, outcome: Exclude<Outcome, 'allow'>, query: AccessQuery): void {
  const { decision, trace } = explained
  const { validFor, because, reason, attributeNames, ...expected } = outcome
  const { validUntil, reason: given, attributes, ...rest } = decision
  assert.equal(given, reason ?? (expected.allowed ? 'allowed' : 'condition-failed'))
  const told = attributeNames === undefined ? { attributes } : { attributes: undefined }
  assert.deepEqual({ ...rest, ...told }, { advices: undefined, attributes: undefined, ...expected })
  if (attributeNames !== undefined) assert.deepEqual(Object.keys(attributes ?? {}), attributeNames)
  if (validFor !== undefined) assert.equal((validUntil - query.now) / 1_000, validFor, 'how long it is good')
  const failed = trace.find(({ outcome: each }) => each !== 'allow' && each !== 'deny')
  if (because !== undefined) assert.equal(failed?.because, because)
}

for (const { about, policySets, policies, cases } of tables) {
  suite(about, () => {
    const file = policiesFileSchema.parse({
      policySets,
      policies: policies.map((policy) => ({ ...DEFAULTS, ...policy })),
    })
    const pdp = compilePolicies(file.policies, file.policySets)
    for (const [name, drawn, outcome] of cases) {
      test(name, () => {
        const query = accessQuery(drawn)
        const explained = pdp.explain(query)
        assert.deepEqual(pdp.evaluate(query), explained.decision, 'explain and evaluate decide alike')
        if (outcome !== 'allow') compare(explained, outcome, query)
        else assert.equal(explained.decision.allowed, true, JSON.stringify(explained.trace))
      })
    }
  })
}

test('there are at least 200 cases of decisions, here and in cases.yaml', () => {
  const others = parse(readFileSync(new URL('cases.yaml', import.meta.url), 'utf8')) as readonly unknown[]
  const count = tables.reduce((sum, { cases }) => sum + cases.length, others.length)
  assert.ok(count >= 200, `${count}`)
})
