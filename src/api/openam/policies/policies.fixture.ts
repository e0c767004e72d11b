import type { AgentId, RealmName } from '../../../base/brand.ts'
import { compilePolicies } from '../../../policy/compile.ts'
import type { PolicyConfig } from '../../../policy/policies.schema.ts'
import { policiesFileSchema } from '../../../policy/policies.schema.ts'
import type { z } from 'zod'
import type { NamedUser, RealmPolicies } from './realm-policies.ts'

type File = z.input<typeof policiesFileSchema>

/** As `policies.yaml` has them. */
export function policiesFrom(
  written: NonNullable<File['policies']>,
  more: Omit<File, 'policies'> = {},
): readonly PolicyConfig[] {
  return policiesFileSchema.parse({ policies: written, ...more }).policies
}

const HOST = 'http://app.acme.test:80'
export const EMPLOYEES = '/employees' as RealmName

/** One of each kind, in the realm `/employees`. */
export const POLICIES = policiesFrom([
  {
    name: 'staff',
    resources: [`${HOST}/*`, `${HOST}/*?*`],
    actions: { GET: 'allow', POST: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
  },
  {
    name: 'no deleting',
    resources: [`${HOST}/*`],
    actions: { DELETE: 'deny' },
    subject: { type: 'AuthenticatedUsers' },
  },
  {
    name: 'finance',
    resources: [`${HOST}/pay/*`],
    actions: { POST: 'allow' },
    subject: { type: 'Group', groups: ['finance'] },
    condition: { type: 'AuthLevel', authLevel: 3 },
  },
  {
    name: 'fresh',
    resources: [`${HOST}/fresh/*`],
    actions: { GET: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'AuthAge', maxAge: '5m' },
  },
  {
    name: 'approved',
    resources: [`${HOST}/transfer`],
    actions: { POST: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
    condition: { type: 'Transaction', authenticationStrategy: 'AuthLevel', strategySpecifier: '2' },
  },
  {
    name: 'off',
    active: false,
    policySet: 'other',
    resources: [`${HOST}/off/*`],
    actions: { PATCH: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
  },
  {
    name: 'elsewhere',
    resources: ['http://hr.acme.test:80/*'],
    actions: { GET: 'allow' },
    subject: { type: 'AuthenticatedUsers' },
  },
])

const GROUPS: Readonly<Record<string, readonly string[]>> = { alice: [], bob: ['finance'] }

function userOf(username: string): NamedUser | undefined {
  const groups = Object.hasOwn(GROUPS, username) ? GROUPS[username] : undefined
  return groups && { id: `u-${username}`, username, groups: new Set(groups), attributes: {} }
}

/** The policies above at two sites of the realm. */
export function employeesPolicies(policies = POLICIES, more: Partial<RealmPolicies> = {}): RealmPolicies {
  return {
    pdp: compilePolicies(policies),
    policies,
    ...{ policySets: [], resourceTypes: [] },
    sets: new Map([
      ['iPlanetAMWebAgentService', new Set(['GET', 'POST', 'DELETE'])],
      ['other', new Set()],
    ]),
    factsOf: ({ username }) => userOf(username),
    userNamed: userOf,
    siteOf({ scheme, host, port }) {
      if (scheme !== 'http' || port !== 80) return undefined
      if (host === 'app.acme.test')
        return { agent: 'app' as AgentId, audience: 'agent:app', policySet: 'iPlanetAMWebAgentService' }
      return host === 'hr.acme.test' ? { agent: 'hr' as AgentId, audience: 'agent:hr', policySet: 'other' } : undefined
    },
    ...more,
  }
}
