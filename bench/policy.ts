import type { EpochMs } from '../src/base/brand.ts'
import { compilePolicies } from '../src/policy/compile.ts'
import type { AccessQuery, PolicyDecisionPoint } from '../src/policy/decision.ts'
import type { PolicyConfig } from '../src/policy/policies.schema.ts'
import { REALM } from './configuration.ts'
import { median } from './statistics.ts'

export interface PolicyResult {
  /** Microseconds a decision, median of the rounds. */
  readonly few: number
  /** With as many policies as a large realm has, asked about the same areas. */
  readonly many: number
  /** The same realm, asked about each of its areas in turn: what the processor's caches cannot hold is in this number too. */
  readonly everywhere: number
  /** `many` to `few`, round by round. */
  readonly ratios: readonly number[]
  readonly ratio: number
}

const SET = 'iPlanetAMWebAgentService'
const [FEW, MANY] = [10, 10_000]
const DECISIONS = 200_000

/** Decisions of realms with few and with many policies, in turn. Half of the queries are denied. */
export function measurePolicy(rounds: number): PolicyResult {
  const [few, many] = [compilePolicies(policies(FEW)), compilePolicies(policies(MANY))]
  const [ten, all] = [queries(FEW), queries(MANY)]
  const sample = (): { few: number; many: number; everywhere: number } => ({
    few: time(few, ten),
    many: time(many, ten),
    everywhere: time(many, all),
  })
  sample()
  const samples = Array.from({ length: rounds }, sample)
  const ratios = samples.map((taken) => taken.many / taken.few)
  return {
    few: median(samples.map((taken) => taken.few)),
    many: median(samples.map((taken) => taken.many)),
    everywhere: median(samples.map((taken) => taken.everywhere)),
    ratios,
    ratio: median(ratios),
  }
}

/** Microseconds a decision. Processor time of this process: what others do on the machine is not in it. */
function time(pdp: PolicyDecisionPoint, asked: readonly AccessQuery[]): number {
  let allowed = 0
  const before = process.cpuUsage()
  for (let i = 0; i < DECISIONS; i++) {
    const query = asked[i % asked.length]
    if (query !== undefined && pdp.evaluate(query).allowed) allowed++
  }
  const { user, system } = process.cpuUsage(before)
  if (allowed !== DECISIONS / 2) throw new Error(`${allowed} of ${DECISIONS} were allowed, not half of them`)
  return (user + system) / DECISIONS
}

const ACTIONS = { GET: 'allow', POST: 'allow' } as const

/** Five hosts; on each, areas of the site that a group may enter and, for every third, with a level. */
function policies(count: number): readonly PolicyConfig[] {
  return Array.from({ length: count }, (_, nth): PolicyConfig => {
    const area = `http://${host(nth)}:*/area-${nth}`
    return {
      name: `area-${nth}`,
      active: true,
      policySet: SET,
      resources: [`${area}/*`, `${area}/*?*`],
      actions: ACTIONS,
      subject: { type: 'Group', groups: [`team-${nth % 40}`, 'staff'] },
      condition: nth % 3 === 0 ? { type: 'AuthLevel', authLevel: 1 } : undefined,
      responseAttributes: [],
    }
  })
}

function host(nth: number): string {
  return `app-${nth % 5}.bench.localhost`
}

function queries(count: number): readonly AccessQuery[] {
  return Array.from({ length: 1_000 }, (_, nth): AccessQuery => {
    const area = (nth * 7_919) % count
    return {
      policySet: SET,
      resource: { scheme: 'http', host: host(area), port: 80, path: `/area-${area}/orders/list`, query: 'page=3' },
      action: nth % 2 === 0 ? 'GET' : 'DELETE',
      session: {
        realm: REALM,
        userId: 'u',
        username: 'u',
        authLevel: 1,
        authModules: ['password'],
        authInstant: 0 as EpochMs,
        createdAt: 0 as EpochMs,
        properties: {},
      },
      facts: { groups: new Set(['employees', 'staff']), attributes: {} },
      clientIp: '127.0.0.1',
      now: 0 as EpochMs,
    }
  })
}
