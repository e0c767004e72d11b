import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { newAnonymousId } from '../session/anonymous.ts'
import { compilePolicies } from './compile.ts'
import type { AccessQuery } from './decision.ts'
import { FOREVER } from './evaluate.ts'
import { policiesFileSchema } from './policies.schema.ts'

const caseSchema = z.strictObject({
  name: z.string(),
  policies: policiesFileSchema.shape.policies,
  query: z.strictObject({
    url: z.url(),
    action: z.string().default('GET'),
    username: z.string().default('alice'),
    groups: z.array(z.string()).default(['staff']),
    attributes: z.record(z.string(), z.array(z.string())).default({}),
    authLevel: z.number().default(1),
    /** A session without proof. */
    anonymous: z.boolean().default(false),
    /** Minutes since the login. */
    age: z.number().default(0),
  }),
  decision: z.strictObject({
    allowed: z.boolean(),
    reason: z.string(),
    policies: z.array(z.string()),
    advices: z.record(z.string(), z.array(z.string())).optional(),
  }),
  trace: z
    .array(
      z
        .strictObject({ policy: z.string(), outcome: z.string(), because: z.string().optional() })
        .transform((entry) => ({
          ...entry,
          because: entry.because,
        })),
    )
    .optional(),
})

const cases = z.array(caseSchema).parse(parse(readFileSync(new URL('cases.yaml', import.meta.url), 'utf8')))

function accessQuery(query: (typeof cases)[number]['query']): AccessQuery {
  const url = new URL(query.url)
  return {
    policySet: 'iPlanetAMWebAgentService',
    resource: {
      scheme: 'https',
      host: url.hostname,
      port: Number(url.port || 443),
      path: url.pathname,
      query: url.search === '' ? undefined : url.search.slice(1),
    },
    action: query.action,
    session: {
      realm: '/employees' as RealmName,
      userId: query.anonymous ? newAnonymousId() : `id-of-${query.username}`,
      username: query.username,
      authLevel: query.authLevel,
      authModules: ['password'],
      authInstant: 0 as EpochMs,
      createdAt: 0 as EpochMs,
      properties: {},
    },
    facts: { groups: new Set(query.groups), attributes: query.attributes },
    clientIp: '127.0.0.1',
    now: (query.age * 60_000) as EpochMs,
  }
}

for (const { name, policies, query, decision, trace } of cases) {
  test(name, () => {
    const pdp = compilePolicies(policies)
    const asked = accessQuery(query)
    const expected = { advices: undefined, attributes: undefined, endsSession: false, validUntil: FOREVER, ...decision }
    assert.deepEqual(pdp.evaluate(asked), expected)
    const explained = pdp.explain(asked)
    assert.deepEqual(explained.decision, expected, 'explain and evaluate decide alike')
    if (trace === undefined) return
    const told = explained.trace.map(({ policy, outcome, because }) => ({ policy, outcome, because }))
    assert.deepEqual(told, trace)
  })
}
