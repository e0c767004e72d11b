import { chainLevels } from '../authn/chain-levels.schema.ts'
import type { EpochMs } from '../base/brand.ts'
import { parseDuration } from '../base/duration.ts'
import type { ConfigSnapshot, RealmConfig } from '../config/snapshot.ts'
import { isSite, type SiteConfig } from '../gateway/agent-profile.schema.ts'
import { askableOf } from '../gateway/askable-site.ts'
import { readRequest, type ReadRequest } from '../gateway/asked-request.ts'
import type { Asker } from '../gateway/policy-query.ts'
import type { Facts, PolicyDecisionPoint, PolicySubject } from '../policy/decision.ts'
import { listed } from '../policy/step.ts'
import { withChain } from '../policy/chains-passed.ts'
import { NotThere } from './managed-realm.ts'
import { findSession } from './select-sessions.ts'
import type { Terminal } from './terminal.ts'
import { withStore } from './with-store.ts'

/** A request to a protected site, as somebody says it. */
export interface SaidRequest {
  readonly url: string
  readonly method: string
  readonly ip: string
  readonly environment?: Readonly<Record<string, readonly string[]>>
  readonly approved?: boolean
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
  { url, method, ip, environment = {}, approved = false }: SaidRequest,
): ReadRequest {
  const read = new Set([...Object.values(profile.environment.headers), ...Object.values(profile.environment.cookies)])
  const unread = Object.keys(environment).find((name) => !read.has(name))
  if (unread !== undefined)
    throw new NotThere(
      `the profile ${profile.id} reads no ${JSON.stringify(unread)} of a request's environment; it names ${listed([...read])}`,
    )
  // As it stands: `URL` would mend what the gateway refuses.
  const raw = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1] ?? ''
  const request = readRequest(askableOf(profile, pdp), {
    target: raw.startsWith('/') ? raw : `/${raw}`,
    method: method.toUpperCase(),
    ip,
    environment,
    approved,
  })
  if (typeof request === 'string') throw new NotThere(request)
  return request
}

/**
 * A session that is running, as it is; nothing can be said in place of what it has.
 * @throws NotThere for one that is not, or is of no use at the realm's sites
 */
export async function sessionNamed(
  { name: realm }: RealmConfig,
  name: string,
  {
    said,
    config,
    terminal,
  }: { readonly said: SaidSession; readonly config: string; readonly terminal: Pick<Terminal, 'env' | 'err'> },
): Promise<PolicySubject> {
  const { level, module, age, sessionAge, property } = said
  if ([level, module, age, sessionAge, property].some((each) => each !== undefined))
    throw new NotThere('--session has its own level, modules, age and properties; say --user to try others')
  const session = await withStore(config, terminal, ({ store }) => findSession(store, name))
  if (session === undefined) throw new NotThere(`no session ${JSON.stringify(name)} is running`)
  if (session.kind === 'partial') throw new NotThere('the login of this session is not through: it opens nothing')
  if (session.realm !== realm)
    throw new NotThere(
      `this session is of ${session.realm}, and what is asked for is of ${realm}: it counts for nothing there`,
    )
  return session
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
