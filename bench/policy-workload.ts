import type { EpochMs } from '../src/base/brand.ts'
import type { AccessQuery, Facts, PolicySubject } from '../src/policy/decision.ts'
import type { PolicyConfig } from '../src/policy/policies.schema.ts'
import { REALM } from './configuration.ts'

/** One area of a site that some groups may enter, and some only with a level: what every engine is told in its own words. */
export interface Area {
  readonly host: string
  /** With a slash at its end. */
  readonly path: string
  /** Any of them. */
  readonly groups: readonly string[]
  /** 0 where any will do. */
  readonly level: number
}

export const POLICY_SET = 'iPlanetAMWebAgentService'
export const METHODS = ['GET', 'POST'] as const

/** Five hosts; every third area is for those who have proved something. */
export function areasOf(count: number): readonly Area[] {
  return Array.from({ length: count }, (_, nth) => ({
    host: `app-${nth % 5}.bench.localhost`,
    path: `/area-${nth}/`,
    groups: [`team-${nth % 40}`, 'staff'],
    level: nth % 3 === 0 ? 1 : 0,
  }))
}

export function policiesFor(areas: readonly Area[]): readonly PolicyConfig[] {
  return areas.map(({ host, path, groups, level }, nth): PolicyConfig => {
    const area = `http://${host}:*${path}`
    return {
      name: `area-${nth}`,
      active: true,
      policySet: POLICY_SET,
      resources: [`${area}*`, `${area}*?*`],
      actions: Object.fromEntries(METHODS.map((method) => [method, 'allow'])),
      subject: { type: 'Group', groups: [...groups] },
      condition: level > 0 ? { type: 'AuthLevel', authLevel: level } : undefined,
      responseAttributes: [],
    }
  })
}

const UNPROVEN: PolicySubject = {
  realm: REALM,
  userId: 'u',
  username: 'u',
  authLevel: 0,
  authModules: ['password'],
  authInstant: 0 as EpochMs,
  createdAt: 0 as EpochMs,
  properties: {},
}
const PROVEN: PolicySubject = { ...UNPROVEN, authLevel: 1 }
/** Who is in another group is somebody else, with a session of their own. */
const ANOTHER: PolicySubject = { ...PROVEN, userId: 'g', username: 'g' }
const EMPLOYEE: Facts = { groups: new Set(['employees', 'staff']), attributes: {} }
const GUEST: Facts = { groups: new Set(['employees', 'guests']), attributes: {} }

/**
 * Questions about areas in an order without a pattern; the address of each is another. Every second is allowed. The others are denied by
 * turns because of the action, the groups, the level, and because no policy covers the address.
 */
export function queriesFor(areas: readonly Area[], count: number): readonly AccessQuery[] {
  return Array.from({ length: count }, (_, nth): AccessQuery => {
    const why = nth % 2 === 0 ? undefined : (['action', 'group', 'level', 'address'] as const)[(nth >> 1) % 4]
    const area = (nth * 7_919) % areas.length
    // Each third has a level.
    const { host, path } = areas[why === 'level' ? area - (area % 3) : area] ?? { host: '', path: '/' }
    const place = why === 'address' ? `/elsewhere${path}` : path
    return {
      policySet: POLICY_SET,
      resource: { scheme: 'http', host, port: 80, path: `${place}orders/${nth}`, query: 'page=3' },
      action: why === 'action' ? 'DELETE' : 'GET',
      session: why === 'level' ? UNPROVEN : why === 'group' ? ANOTHER : PROVEN,
      facts: why === 'group' ? GUEST : EMPLOYEE,
      clientIp: '127.0.0.1',
      now: 0 as EpochMs,
    }
  })
}
