import type { AgentId } from '../base/brand.ts'
import type { ConfigSnapshot } from '../config/snapshot.ts'
import { loadPart } from '../errors.ts'
import type { RemoteSamlLogin } from '../federation/cdsso/remote-saml.ts'
import { markOf } from '../federation/saml-sp/session-mark.ts'
import { agentCookieOf } from '../gateway/agent-cookie.schema.ts'
import { isSite } from '../gateway/agent-profile.schema.ts'
import { ENDPOINT_PREFIX } from '../gateway/endpoint-path.ts'
import { SLO_ENDPOINT } from '../gateway/handshake-saml.ts'
import type { SamlSso } from '../gateway/saml-sso.ts'
import { audienceOf } from '../gateway/site.ts'
import type { Session } from '../session/session.ts'
import type { RuntimeDeps } from './deps.ts'
import { samlAgent } from './saml-agents.ts'

export interface RemoteSaml {
  /** Of the agents whose realm has its people from a SAML provider elsewhere. */
  readonly all: ReadonlyMap<AgentId, SamlSso>
  close(): Promise<void>
}

/** Loads what speaks SAML where a realm has such a provider, and only there. */
export async function remoteSamlOf(
  { agents, realms, gatehouse: { login } }: ConfigSnapshot,
  deps: RuntimeDeps,
): Promise<RemoteSaml> {
  const all = new Map<AgentId, SamlSso>()
  const byName = new Map<string, RemoteSamlLogin>()
  const closers: (() => void)[] = []
  const close = (): Promise<void> => {
    for (const closeOne of closers) closeOne()
    return Promise.resolve()
  }
  // Sites that share a cookie bring sessions of each other: the site is asked that a session began with.
  const signOutUrl = async (session: Session): Promise<string | undefined> =>
    byName.get(markOf(session)?.provider ?? '')?.ownSignOutUrl(session)
  try {
    for (const profile of agents.filter(isSite)) {
      const { id, realm, url } = profile
      const config = realms.get(realm)
      if (config?.ssoProvider?.type !== 'saml') continue
      const { openRemoteSaml } = await loadPart('SAML', () => import('../federation/cdsso/remote-saml.ts'))
      const opened = await openRemoteSaml(
        {
          ...samlAgent(profile),
          ...{ realm, audience: audienceOf(id, agentCookieOf(profile, login.cookieName)), session: config.session },
          logoutUrl: `${url}${ENDPOINT_PREFIX}${SLO_ENDPOINT}`,
        },
        config.ssoProvider,
        { ...deps, signOutUrl, keys: await deps.samlKeys.of(realm) },
      )
      closers.push(() => opened.close())
      byName.set(id, opened)
      all.set(id, opened)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { all, close }
}
