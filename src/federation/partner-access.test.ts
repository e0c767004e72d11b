import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochMs, RealmName } from '../base/brand.ts'
import { compilePartnerPolicies } from '../policy/partner-policies.ts'
import { partnerPolicySchema } from '../policy/partner-policies.schema.ts'
import type { AuditEvent } from '../telemetry/audit.ts'
import { createPartnerAccess, type PartnerVerdict } from './partner-access.ts'

const NOW = 1_800_000_000_000 as EpochMs
const REALM = '/staff' as RealmName
const finance = { type: 'Group', groups: ['finance'] }
const everybody = { type: 'AuthenticatedUsers' }
const level = (authLevel: number): object => ({ type: 'AuthLevel', authLevel })

function rig(...policies: readonly object[]) {
  const audited: AuditEvent[] = []
  const access = createPartnerAccess({
    realm: REALM,
    policies: compilePartnerPolicies(policies.map((each, i) => partnerPolicySchema.parse({ name: `p${i}`, ...each }))),
    directory: {
      find: (id) =>
        id === 'gone'
          ? undefined
          : { id, username: id, groups: new Set(id === 'bob' ? ['finance'] : []), attributes: {} },
    },
    highestLevel: 2,
    audit: { record: (event) => void audited.push(event) },
    clock: () => NOW,
  })
  const entrance = (userId: string, partner: string, more: { authLevel?: number; ip?: string } = {}) => ({
    partner,
    subject: {
      ...{ realm: REALM, userId, username: userId, authLevel: more.authLevel ?? 1, authModules: ['password'] },
      ...{ authInstant: (NOW - 60_000) as EpochMs, createdAt: (NOW - 60_000) as EpochMs, properties: {} },
    },
    sid: 'sid',
    clientIp: more.ip ?? '',
    requestId: 'r-1',
  })
  return { access, audited, entrance }
}

const DENIED: PartnerVerdict = { kind: 'denied', policies: ['p0'] }
const NOBODY: PartnerVerdict = { kind: 'denied', policies: [] }
const ALLOWED: PartnerVerdict = { kind: 'allowed' }
const asks = (advices: object): PartnerVerdict => ({ kind: 'login', advices })

const CASES: readonly [
  why: string,
  policies: readonly object[],
  who: readonly [user: string, partner: string, more?: { authLevel?: number; ip?: string }],
  verdict: PartnerVerdict,
][] = [
  ['no policy at all', [], ['alice', 'wiki'], ALLOWED],
  ['policies about others alone', [{ partners: ['payroll'], subject: finance }], ['alice', 'wiki'], ALLOWED],
  ['one of those whom it is for', [{ partners: ['payroll'], subject: finance }], ['bob', 'payroll'], ALLOWED],
  ['somebody else', [{ partners: ['payroll'], subject: finance }], ['alice', 'payroll'], DENIED],
  [
    'an id in other letters is another partner',
    [{ partners: ['Payroll'], subject: finance }],
    ['alice', 'payroll'],
    ALLOWED,
  ],
  [
    'a deny in other letters is about another partner',
    [
      { partners: ['Payroll'], effect: 'deny', subject: everybody },
      { partners: ['payroll'], subject: everybody },
    ],
    ['alice', 'payroll'],
    ALLOWED,
  ],
  ['every partner', [{ partners: ['*'], subject: finance }], ['alice', 'urn:any'], DENIED],
  [
    'an address for an id, and no wildcard in it',
    [{ partners: ['https://sp.example/*'], subject: finance }],
    ['alice', 'https://sp.example/saml'],
    ALLOWED,
  ],
  [
    'a deny wins',
    [
      { partners: ['*'], effect: 'deny', subject: finance },
      { partners: ['payroll'], subject: everybody },
    ],
    ['bob', 'payroll'],
    DENIED,
  ],
  ['somebody whom nobody knows any more', [{ partners: ['payroll'], subject: everybody }], ['gone', 'payroll'], NOBODY],
  [
    'a level that a login can come to',
    [{ partners: ['payroll'], subject: finance, condition: level(2) }],
    ['bob', 'payroll'],
    asks({ AuthLevelConditionAdvice: ['2'] }),
  ],
  [
    'and has',
    [{ partners: ['payroll'], subject: finance, condition: level(2) }],
    ['bob', 'payroll', { authLevel: 2 }],
    ALLOWED,
  ],
  [
    'a level that none can',
    [{ partners: ['payroll'], subject: finance, condition: level(3) }],
    ['bob', 'payroll'],
    DENIED,
  ],
  [
    'nobody is sent there for nothing',
    [{ partners: ['payroll'], subject: finance, condition: level(2) }],
    ['alice', 'payroll'],
    DENIED,
  ],
  [
    'an age',
    [{ partners: ['payroll'], subject: finance, condition: { type: 'AuthAge', maxAge: '30s' } }],
    ['bob', 'payroll'],
    asks({ AuthenticationAgeConditionAdvice: ['30'] }),
  ],
  [
    'what ends sessions at sites',
    [
      {
        partners: ['payroll'],
        subject: finance,
        condition: { type: 'Session', maxSessionTime: '1ms', terminateSession: true },
      },
    ],
    ['bob', 'payroll'],
    DENIED,
  ],
  [
    'a place',
    [{ partners: ['payroll'], subject: finance, condition: { type: 'IPv4', addresses: ['10.0.0.0/8'] } }],
    ['bob', 'payroll', { ip: '10.1.2.3' }],
    ALLOWED,
  ],
  [
    'a place that nobody knows',
    [{ partners: ['payroll'], subject: finance, condition: { type: 'IPv4', addresses: ['10.0.0.0/8'] } }],
    ['bob', 'payroll'],
    DENIED,
  ],
]

test('policies say who is signed in at which partner, and what a login could bring about', async () => {
  for (const [why, policies, [user, partner, more], verdict] of CASES) {
    const { access, entrance } = rig(...policies)
    assert.deepEqual(await access.ask(entrance(user, partner, more)), verdict, why)
  }
})

test('who was turned away is in the audit log with every policy that had a part in it', async () => {
  const { access, audited, entrance } = rig({ name: 'for-finance', partners: ['payroll'], subject: finance })
  await access.refused(entrance('alice', 'payroll', { ip: '10.1.2.3' }))
  assert.deepEqual(audited, [
    {
      event: 'PartnerAccessDenied',
      ...{
        at: NOW,
        requestId: 'r-1',
        clientIp: '10.1.2.3',
        realm: REALM,
        partner: 'payroll',
        sid: 'sid',
        username: 'alice',
      },
      ...{ policies: ['for-finance'], reason: 'subject-failed', authLevel: 1, modules: ['password'] },
      why: [{ policy: 'for-finance', outcome: 'subject-failed', because: 'Group: none of finance is among nothing' }],
    },
  ])
})
