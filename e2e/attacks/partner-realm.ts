import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { liarConfig, startLiar, type Liar } from '../../src/federation/oidc-rp/liar.fixture.ts'
import { hashOf, usersYaml } from '../own-rig.ts'
import { changeLive, IN_FORCE, told } from './live-config.ts'
import type { Browser, Page } from './browser.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { headerOf } from './wire.ts'

/** A realm whose people sign in by a provider that lies, and whose client `keyed` has its keys there. */
export interface PartnerRealm {
  readonly liar: Liar
  /** Of a browser that has left for the provider. */
  readonly depart: (browser: Browser) => Promise<string>
  readonly arrive: (browser: Browser, query: string) => Promise<Page>
  readonly signOut: (logoutToken: string) => Promise<number>
  /** A client assertion, shown to the token endpoint with a refresh token that is none: what is said of it. */
  readonly show: (assertion: string) => Promise<string>
}

export const PARTNERS = `${ORIGINS.login}/login/partners`
export const PARTNERS_ISSUER = `${ORIGINS.login}/oauth2/realms/root/realms/partners`
const OIDC = `${ORIGINS.login}/oidc/partners/corp`

/** The realm is there for as long as the attack takes. */
export async function withPartnerRealm(rig: Rig, attack: (realm: PartnerRealm) => Promise<void>): Promise<void> {
  const liar = await startLiar()
  const realm = {
    identityProviders: { corp: liarConfig(liar, { link: { claim: 'sub', is: 'externalId' }, atOnce: true }) },
    authentication: {
      modules: { corp: { type: 'oidc', provider: 'corp' } },
      chains: { default: [{ module: 'corp', criteria: 'REQUISITE' }] },
    },
  }
  const people = [{ username: 'paula', hash: await hashOf('not used'), attributes: { externalId: 'alice' } }]
  const keyed = { id: 'keyed', jwksUri: `${liar.issuer}/jwks`, redirectUris: ['https://rp.example/cb'] }
  try {
    await changeLive(rig, {
      'realms/partners/realm.yaml': JSON.stringify(realm),
      'realms/partners/users.yaml': usersYaml(people),
      'realms/partners/clients.yaml': JSON.stringify({ clients: [keyed] }),
    })
    await attack({
      liar,
      async depart(browser) {
        const away = await browser.call(PARTNERS)
        const url = (headerOf(away, 'refresh') ?? '').replace(/^0; ?url=/, '')
        assert.ok(url.startsWith(liar.issuer), `${away.status} ${away.body}`)
        return url
      },
      arrive: (browser, query) =>
        browser.call(`${OIDC}/callback?${query}`, { headers: { 'sec-fetch-site': 'cross-site' } }),
      async signOut(logoutToken) {
        rig.tally.sent++
        const form = { logout_token: logoutToken }
        return (await rig.browser().call(`${OIDC}/backchannel-logout`, { form })).status
      },
      async show(assertion) {
        rig.tally.sent++
        const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
        const form = {
          ...{ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'keyed' },
          ...{ client_assertion: assertion, client_assertion_type: type },
        }
        const headers = { accept: 'application/json', origin: undefined, 'sec-fetch-site': undefined }
        const page = await rig.browser().call(`${PARTNERS_ISSUER}/access_token`, { form, headers })
        return (JSON.parse(page.body) as { readonly error: string }).error
      },
    })
  } finally {
    const gone = join(rig.root, 'realms/partners')
    await told(rig, IN_FORCE, () => renameSync(gone, join(rig.root, 'was-partners')))
    rmSync(join(rig.root, 'was-partners'), { recursive: true })
    await liar.close()
  }
}

/** Claims of a logout token that counts, and its header. */
export function logoutClaims({ issuer }: Liar, jti: string): Readonly<Record<string, unknown>> {
  const now = Math.floor(Date.now() / 1_000)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  return { iss: issuer, aud: 'gatehouse', iat: now, exp: now + 60, jti, sub: 'nobody', events }
}

/** Claims of a client assertion that counts. */
export function assertionClaims(jti: string): Readonly<Record<string, unknown>> {
  const now = Math.floor(Date.now() / 1_000)
  return { iss: 'keyed', sub: 'keyed', aud: PARTNERS_ISSUER, iat: now, exp: now + 60, jti }
}
