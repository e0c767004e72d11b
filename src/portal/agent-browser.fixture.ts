import type { TestContext } from 'node:test'
import { createGotoCheck } from '../authn/goto.ts'
import type { AgentId, RealmName } from '../base/brand.ts'
import { newAnonymousId } from '../session/anonymous.ts'
import { Browser } from './browser.fixture.ts'
import { openLoginHost, type LoginHostOptions } from './login-host.fixture.ts'
import type { OpenAmSite, PortalSite } from './ports.ts'

export const LOGIN = 'https://login.example.com'
export const REALM = '/employees' as RealmName

/** A site with an agent of OpenAM's before it. */
export function agentSite(
  agent: string,
  url: string,
  { openAm, aliases = [] }: { readonly openAm: OpenAmSite; readonly aliases?: readonly string[] },
): PortalSite {
  return { agent: agent as AgentId, title: `The ${agent}`, url, aliases, audience: `agent:${agent}`, openAm }
}

/** A login host that has such sites, and a browser at it. `origins`: where a login may lead. */
export async function openAgentHost(
  t: TestContext,
  {
    sites,
    origins,
    parts,
  }: { readonly sites: readonly PortalSite[]; readonly origins: readonly string[] } & Pick<LoginHostOptions, 'parts'>,
) {
  const host = await openLoginHost({
    https: true,
    realms: (realms) =>
      realms.map((realm) => (realm.name === REALM ? { ...realm, sites: [...realm.sites, ...sites] } : realm)),
    parts: { checkGoto: createGotoCheck({ loginOrigin: LOGIN, origins: new Map([[REALM, origins]]) }), ...parts },
  })
  t.after(() => host.close())
  const browser = new Browser(host.url)
  const signIn = (username: string, realm?: string, level?: number): void =>
    void browser.cookies.set('__Host-SSOTokenID', host.signIn(username, realm, level))
  const beAnonymous = (): void => {
    const { sid } = host.addSession({ userId: newAnonymousId(), username: 'anonymous', authLevel: 0, authModules: [] })
    const token = [...host.sessions].find(([, session]) => session.sid === sid)?.[0] ?? ''
    browser.cookies.set('__Host-SSOTokenID', token)
  }
  return { ...host, browser, signIn, beAnonymous }
}
