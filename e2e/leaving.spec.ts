import { SAML } from '@node-saml/node-saml'
import { expect, test as base } from '@playwright/test'
import { freePort } from '../src/free-port.fixture.ts'
import { partnerKeys, spMetadata } from '../src/federation/saml-idp/sp.fixture.ts'
import { Client } from './client.ts'
import { signIn } from './fixtures.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml } from './own-rig.ts'
import { viewer } from './page-checks.ts'
import { servePartner, type PartnerAnswer } from './partner-server.ts'

/* A browser on its way out, from one application of somebody else's to the next: whole pages, no frames, no cookies of third parties. */

interface Scene {
  readonly login: string
  readonly sites: readonly string[]
  /** Applications that show a page of their own in place of an answer. */
  readonly silent: Set<string>
}

const NAMES = ['wiki', 'crm'] as const

const test = base.extend<object, { scene: Scene }>({
  scene: [
    async ({}, use) => {
      const [port, keys, silent] = [await freePort(), partnerKeys(), new Set<string>()]
      const siteOf = (name: string): string => `http://${name}.partner.localhost:${port}`
      const partners = NAMES.map((id) => {
        const [entityId, consumers] = [`${siteOf(id)}/saml`, [`${siteOf(id)}/acs`]]
        const logout = [['HTTP-Redirect', `${siteOf(id)}/slo`]] as const
        return { id, name: `The ${id}`, entityId, metadata: spMetadata({ entityId, keys, consumers, logout }) }
      })
      const rig = await startOwnRig({
        files: {
          'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
          'realms/realm.yaml': '',
          'realms/staff/realm.yaml': 'look: { title: Acme Staff }\n',
          'realms/staff/users.yaml': usersYaml([{ username: 'alice', hash: await hashOf('a-password') }]),
          'realms/staff/clients.yaml': JSON.stringify({ saml: { serviceProviders: partners } }),
        },
      })
      const login = `http://login.acme.localhost:${rig.port}`
      const { body: metadata } = await new Client().call(`${login}/saml2/staff/metadata`)
      const certificate = /<ds:X509Certificate>([^<]*)/.exec(metadata.slice(metadata.indexOf('KeyDescriptor')))?.[1]
      const samlOf = (name: string): SAML =>
        new SAML({
          ...{ issuer: `${siteOf(name)}/saml`, callbackUrl: `${siteOf(name)}/acs`, idpCert: certificate ?? '' },
          ...{ entryPoint: `${login}/saml2/staff/sso`, logoutUrl: `${login}/saml2/staff/slo`, privateKey: keys.pem },
          ...{ signatureAlgorithm: 'sha256', identifierFormat: null, disableRequestedAuthnContext: true },
        })
      const answer = async (name: string, url: URL, body: string): Promise<PartnerAnswer> => {
        const saml = samlOf(name)
        if (url.pathname === '/') return { to: await saml.getAuthorizeUrlAsync('', undefined, {}) }
        if (url.pathname === '/acs' && body !== '') return { html: `<h1>Welcome to ${name}</h1>` }
        if (silent.has(name)) return { html: `<h1>Goodbye from ${name}</h1>` }
        const asked = Object.fromEntries(url.searchParams)
        const { profile } = await saml.validateRedirectAsync(asked, url.search.slice(1))
        if (profile === null) return { html: 'nobody' }
        return { to: await saml.getLogoutResponseUrlAsync(profile, '', {}, true) }
      }
      const close = servePartner(port, ({ host, target, body }) => {
        const [name = ''] = host.split('.')
        return answer(name, new URL(target, siteOf(name)), body)
      })
      await use({ login, sites: NAMES.map(siteOf), silent })
      await close()
      await rig.stop()
    },
    { scope: 'worker', timeout: 120_000 },
  ],
})

test('a logout takes the browser to each application and says what has become of it', async ({ page, scene }) => {
  test.setTimeout(120_000)
  const { login, sites, silent } = scene
  const heading = page.getByRole('heading', { level: 1 })
  const [wiki = '', crm = ''] = sites
  await page.goto(`${wiki}/`)
  await signIn(page, 'alice', 'a-password')
  await expect(heading).toHaveText('Welcome to wiki')
  await page.goto(`${crm}/`)
  await expect(heading).toHaveText('Welcome to crm')

  silent.add('crm')
  await page.goto(`${login}/logout`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(heading).toHaveText('Goodbye from crm')
  await page.goto(`${login}/leaving`)
  await expect(heading).toHaveText('The crm has not answered')
  await expect(page.getByRole('listitem')).toHaveText([/The wiki\s+Signed out/, /The crm\s+Not confirmed/])
  const { look } = viewer(page)
  await look('leaving-stuck')
  await page.getByRole('button', { name: 'Go on without it' }).click()
  await expect(heading).toHaveText('You are signed out')
  await expect(page.getByRole('listitem')).toHaveText([/The wiki\s+Signed out/, /The crm\s+Not confirmed/])
  await look('leaving-over')
})
