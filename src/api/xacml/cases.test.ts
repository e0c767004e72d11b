import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import type { AgentId, EpochMs, RealmName } from '../../base/brand.ts'
import { compilePolicies } from '../../policy/compile.ts'
import { policiesFileSchema } from '../../policy/policies.schema.ts'
import { readJsonRequest } from '../../policy/xacml/read-json.ts'
import { caseQuery } from '../../policy/case-query.fixture.ts'
import { ATTRIBUTES } from '../../policy/xacml/identifiers.ts'
import { newAnonymousId } from '../../session/anonymous.ts'
import type { Session } from '../../session/session.ts'
import type { Call } from '../openam/call.ts'
import { evaluate, type EvaluateDeps } from '../openam/policies/evaluate.ts'
import type { RealmPolicies } from '../openam/policies/realm-policies.ts'
import { decide } from './decide.ts'
import { action, environment, resource, withToken, type Attribute } from './xacml.fixture.ts'

const texts = z.array(z.string())
/** What both languages can say of a query. */
const querySchema = z.looseObject({
  policySet: z.string().optional(),
  url: z.string().default('https://app.test/'),
  ...caseQuery,
  environment: z.record(z.string(), texts).default({}),
})

type Query = z.infer<typeof querySchema>

const DEFAULTS = {
  name: 'p',
  resources: ['https://app.test/*', 'https://app.test/*?*'],
  actions: { GET: 'allow' },
  subject: { type: 'AuthenticatedUsers' },
}

interface Case {
  readonly name: string
  readonly file: z.infer<typeof policiesFileSchema>
  readonly query: Query
}

function read(name: string): unknown {
  return parse(readFileSync(new URL(`../../policy/${name}`, import.meta.url), 'utf8'))
}

const single = z.looseObject({ name: z.string(), policies: z.array(z.unknown()), query: querySchema })
const table = z.looseObject({
  about: z.string(),
  policySets: z.array(z.unknown()).default([]),
  policies: z.array(z.record(z.string(), z.unknown())),
  cases: z.array(z.tuple([z.string(), querySchema, z.unknown()])),
})

const cases: readonly Case[] = [
  ...z
    .array(single)
    .parse(read('cases.yaml'))
    .map(({ name, policies, query }) => ({ name, file: policiesFileSchema.parse({ policies }), query })),
  ...globSync('*.yaml', { cwd: new URL('../../policy/cases/', import.meta.url) })
    .flatMap((file) => z.array(table).parse(read(`cases/${file}`)))
    .flatMap(({ about, policySets, policies, cases: rows }) => {
      const file = policiesFileSchema.parse({
        policySets,
        policies: policies.map((each) => ({ ...DEFAULTS, ...each })),
      })
      return rows.map(([name, query]) => ({ name: `${about}: ${name}`, file, query }))
    }),
]

/** Claims that the caller has verified, and approvals that are there already, cannot be told in XACML. HEAD is no action of its own there. */
const isTold = ({ query }: Case): boolean =>
  query['claims'] === undefined && query['approved'] === undefined && query.action.toUpperCase() !== 'HEAD'

const REALM = '/employees' as RealmName
const MINUTE = 60_000

function worldOf({ file, query }: Case) {
  const now = Date.parse(query.at)
  const session = {
    realm: REALM,
    sid: 's',
    userId: query.anonymous ? newAnonymousId() : `id-of-${query.username}`,
    username: query.username,
    authLevel: query.authLevel,
    authModules: query.authModules,
    authInstant: now - query.age * MINUTE,
    createdAt: now - (query.sessionAge ?? query.age) * MINUTE,
    properties: query.properties,
  } as unknown as Session
  const policySet = query.policySet ?? 'iPlanetAMWebAgentService'
  const policies: RealmPolicies = {
    ...file,
    pdp: compilePolicies(file.policies, file.policySets),
    sets: new Map([[policySet, new Set([query.action])]]),
    factsOf: () => ({ groups: new Set(query.groups), attributes: query.attributes }),
    userNamed: () => undefined,
    siteOf: () => ({ agent: 'app' as AgentId, audience: 'agent:app', policySet }),
  }
  const deps: EvaluateDeps = {
    sessions: {
      resolve: async (token) => Promise.resolve(token === 't' ? session : undefined),
      end: () => assert.fail(),
    },
    bearer: { resolve: () => undefined },
    transactions: { ask: async () => Promise.resolve('approval'), redeem: () => assert.fail() },
    audit: { record: () => assert.fail() },
    clock: () => now as EpochMs,
  }
  return { deps, evaluation: { policies, caller: session, site: undefined }, policySet }
}

interface Answer {
  readonly allowed: boolean | undefined
  readonly advices: unknown
  readonly attributes: unknown
}

async function byOpenAm(each: Case): Promise<Answer> {
  const { deps, evaluation, policySet } = worldOf(each)
  const { url, ip, names, scopes, action: asked } = each.query
  const environment = {
    ...each.query.environment,
    ...(ip === '' ? {} : { requestIp: [ip] }),
    ...(names && { requestDnsName: names }),
    ...(scopes && { scope: scopes }),
  }
  const body = { application: policySet, resources: [url], subject: { ssoToken: 't' }, environment }
  const call = { body, address: { realm: REALM }, origin: { requestId: 'r', clientIp: '' } } as unknown as Call
  const reply = await evaluate(deps, call, evaluation)
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  const [told] = reply.body as [{ actions: Record<string, boolean>; advices: object; attributes: object }]
  return { allowed: told.actions[asked], advices: { ...told.advices }, attributes: { ...told.attributes } }
}

async function byXacml(each: Case): Promise<Answer> {
  const { deps, evaluation, policySet } = worldOf(each)
  const { url, ip, names, scopes, action: asked } = each.query
  const list = (AttributeId: string, Value: readonly string[] | undefined): readonly Attribute[] =>
    Value === undefined || Value.length === 0 ? [] : [{ AttributeId, Value }]
  const said = environment(
    ...list(ATTRIBUTES.address, ip === '' ? [] : [ip]),
    ...list(ATTRIBUTES.names, names),
    ...list(ATTRIBUTES.scopes, scopes),
    ...Object.entries(each.query.environment).flatMap(([id, values]) => list(id, values)),
  )
  const where = resource(url, { AttributeId: ATTRIBUTES.policySet, Value: policySet })
  const reading = readJsonRequest(
    JSON.stringify({ Request: { Category: [withToken('t'), where, action(asked), said] } }),
  )
  if (reading.kind === 'malformed') assert.fail(reading.message)
  const asking = { ...evaluation, realm: REALM, origin: { requestId: 'r', clientIp: '' } }
  const [result] = await decide(deps, asking, { ...reading.request, returnPolicyIdList: true })
  assert.ok(result)
  const advices: Record<string, string[]> = {}
  const attributes: Record<string, string[]> = {}
  for (const { id, assignments } of result.advice) {
    const name = id.replace('urn:gatehouse:xacml:advice:', '')
    for (const { id: assigned, text } of assignments) {
      if (name === 'response-attributes') {
        const attribute = decodeURIComponent(assigned.replace('urn:gatehouse:xacml:response-attribute:', ''))
        const values = Object.hasOwn(attributes, attribute) ? (attributes[attribute] ?? []) : []
        Object.defineProperty(attributes, attribute, { value: [...values, text], enumerable: true, configurable: true })
      } else if (name !== 'valid-until') advices[name] = [...(advices[name] ?? []), text]
    }
  }
  return { allowed: result.decision === 'Permit', advices, attributes }
}

test('every case of policies that both can ask about comes to the same as in evaluate', async () => {
  const told = cases.filter(isTold)
  assert.ok(told.length > 200, `${told.length} of ${cases.length}`)
  for (const each of told) {
    const [openAm, xacml] = [await byOpenAm(each), await byXacml(each)]
    assert.deepEqual({ ...xacml }, { ...openAm, allowed: openAm.allowed === true }, each.name)
  }
})
