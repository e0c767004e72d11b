import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inflateRawSync } from 'node:zlib'
import { field, idpMetadata, newSigner, said, signedResponse } from '../src/federation/saml/partner.fixture.ts'
import { expect, test } from './fixtures.ts'
import { gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'

const IDP = 'https://idp.example/metadata'
const signer = newSigner()

let rig: OwnRig
let login: string
let idp: Server

/** A page of another site that posts a Response at once, as identity providers do. */
function answer(entityId: string, request: string, relayState: string): string {
  const inResponseTo = / ID="([^"]+)"/.exec(request)?.[1]
  const acs = `${login}/saml2/staff/acs`
  const says = said({ idp: entityId, sp: `${login}/saml2/staff/metadata`, acs, inResponseTo })
  return (
    `<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${field(signedResponse(signer, says))}">` +
    `<input type="hidden" name="RelayState" value="${relayState}"></form><script>document.forms[0].submit()</script>`
  )
}

/** `/sso`: a request in the address. `/form`: one in a form, to another provider. `/start`: nobody has asked. */
async function answerTo(request: IncomingMessage): Promise<string> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://idp.example')
  const sent = new URLSearchParams(await text(request))
  const bytes = (value: string | null): Buffer => Buffer.from(value ?? '', 'base64')
  if (pathname === '/form')
    return answer(`${IDP}/form`, bytes(sent.get('SAMLRequest')).toString(), sent.get('RelayState') ?? '')
  if (pathname === '/start') return answer(IDP, '', 'https://evil.example/')
  const xml = inflateRawSync(bytes(searchParams.get('SAMLRequest'))).toString()
  return answer(IDP, xml, searchParams.get('RelayState') ?? '')
}

test.beforeAll(async () => {
  idp = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    void answerTo(request).then((html) => response.end(html))
  })
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve))
  const at = `http://127.0.0.1:${(idp.address() as AddressInfo).port}`
  const corp = {
    ...{ type: 'saml', title: 'Corp', entityId: IDP, metadata: idpMetadata(signer, { idp: IDP, signOn: `${at}/sso` }) },
    ...{ link: { claim: 'sub', is: 'externalId' }, unsolicited: true },
  }
  const formal = {
    ...{ ...corp, title: 'Formal', binding: 'post', entityId: `${IDP}/form` },
    metadata: idpMetadata(signer, { idp: `${IDP}/form`, signOn: `${at}/form` }),
    link: { claim: 'sub', is: 'formalId' },
  }
  const users = [
    { username: 'alice', hash: await hashOf('a-password'), attributes: { externalId: 'alice', formalId: 'alice' } },
  ]
  rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify({
        identityProviders: { corp, formal },
        authentication: {
          modules: {
            password: { type: 'password' },
            corp: { type: 'saml', provider: 'corp' },
            formal: { type: 'saml', provider: 'formal' },
          },
          chains: { default: [{ module: 'password', or: ['corp', 'formal'], criteria: 'REQUISITE' }] },
        },
      }),
      'realms/staff/users.yaml': usersYaml(users),
    },
  })
  login = `http://login.acme.localhost:${rig.port}`
})
test.afterAll(async () => {
  await rig.stop()
  await new Promise((resolve) => idp.close(resolve).closeAllConnections())
})

test('a form of another site finds the login that it answers, though the browser sends no cookie with it', async ({
  page,
}) => {
  for (const name of ['Corp', 'Formal']) {
    await page.context().clearCookies()
    await page.goto(`${login}/login/staff`)
    await page.getByRole('button', { name: `Sign in with ${name}` }).click()
    await page.waitForURL(`${login}/`)
    await expect(page.getByText('alice')).toBeVisible()
  }
})

test('a page of the provider signs in unasked where it may, in this browser, and its RelayState leads nowhere', async ({
  page,
}) => {
  await page.goto(`http://127.0.0.1:${(idp.address() as AddressInfo).port}/start`)
  await page.waitForURL(`${login}/`)
  await expect(page.getByText('alice')).toBeVisible()
})
