import { chainLevels } from '../authn/chain-levels.schema.ts'
import type { EpochMs } from '../base/brand.ts'
import { parseDuration } from '../base/duration.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { isSite, type SiteConfig } from '../gateway/agent-profile.schema.ts'
import { askableOf } from '../gateway/askable-site.ts'
import { readRequest, type ReadRequest } from '../gateway/asked-request.ts'
import type { Asker } from '../gateway/policy-query.ts'
import type { Facts, PolicyDecisionPoint } from '../policy/decision.ts'
import { withChain } from '../policy/chains-passed.ts'
import { NotThere } from './managed-realm.ts'

/** A request to a protected site, as somebody says it. */
export interface SaidRequest {
  readonly url: string
  readonly method: string
  readonly ip: string
}

/** What a session would have proved. Absent: what the realm's default chain brings, just now. */
export interface SaidSession {
  readonly level?: number | undefined
  readonly module?: readonly string[] | undefined
  readonly age?: string | undefined
  readonly sessionAge?: string | undefined
  readonly property?: Readonly<Record<string, string>> | undefined
}

export interface FoundSite {
  readonly profile: SiteConfig
  readonly realm: RealmConfig
}

/** The site that answers to a URL. @throws NotThere */
export function siteOf({ agents, realms }: ConfigSnapshot, url: string): FoundSite {
  const asked = originOf(url)
  const profile = agents.filter(isSite).find((agent) => new URL(agent.url).origin === asked)
  const realm = profile === undefined ? undefined : realms.get(profile.realm)
  if (profile === undefined || realm === undefined) throw new NotThere(`no agent profile has the url ${asked}`)
  return { profile, realm }
}

function originOf(url: string): string {
  if (!URL.canParse(url))
    throw new NotThere(`${JSON.stringify(url)} is no URL; write it whole, such as https://app.example.com/page`)
  return new URL(url).origin
}

/** The request as the gateway would read it. @throws NotThere for one that it would refuse before any policy is asked */
export function requestTo(
  { profile }: FoundSite,
  pdp: PolicyDecisionPoint,
  { url, method, ip }: SaidRequest,
): ReadRequest {
  // As it stands: `URL` would mend what the gateway refuses.
  const raw = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1] ?? ''
  const request = readRequest(askableOf(profile, pdp), {
    target: raw.startsWith('/') ? raw : `/${raw}`,
    method: method.toUpperCase(),
    ip,
  })
  if (typeof request === 'string') throw new NotThere(request)
  return request
}

/** Somebody with such a session. @throws NotThere for times that cannot be read */
export function askerOf(
  { name, authentication }: RealmConfig,
  user: { readonly username: string; readonly id: string; readonly facts: Facts },
  { said, now }: { readonly said: SaidSession; readonly now: EpochMs },
): Asker {
  const { defaultChain } = authentication
  return {
    session: {
      realm: name,
      userId: user.id,
      username: user.username,
      authLevel: said.level ?? chainLevels(authentication).get(defaultChain) ?? 0,
      authModules: said.module ?? (authentication.chains[defaultChain] ?? []).map(({ module }) => module),
      authInstant: (now - lengthOf(said.age)) as EpochMs,
      createdAt: (now - lengthOf(said.sessionAge ?? said.age)) as EpochMs,
      properties: { ...withChain({}, defaultChain), ...said.property },
    },
    facts: user.facts,
    now,
  }
}

function lengthOf(text: string | undefined): number {
  const length = text === undefined ? 0 : parseDuration(text)
  if (length === undefined) throw new NotThere(`${JSON.stringify(text)} is no time; write 90s, 5m or 2h`)
  return length
}
