import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptAssertion } from '../../src/federation/saml/assertion.ts'
import { encryptedFor } from '../../src/federation/saml/encrypted.fixture.ts'
import { openMessage } from '../../src/federation/saml/gate.ts'
import {
  ACS,
  field,
  IDP,
  newSigner,
  NOW,
  responseXml,
  signedResponse,
  SP,
} from '../../src/federation/saml/partner.fixture.ts'
import { endpointFetch } from '../../src/federation/oidc-rp/endpoint-fetch.ts'
import { openIdProviderSchema } from '../../src/federation/oidc-rp/providers.schema.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openMetadataFeed } from '../../src/federation/saml/metadata-feed.ts'
import { readServiceProvider } from '../../src/federation/saml/metadata.ts'
import { loadWith } from './config-copy.ts'
import { calm, leadsNowhereElse, noServerError, upstreamSilent } from './oracles.ts'
import { readPending, readVectors } from './pending.ts'
import { WEB_SOCKET } from './requests.ts'
import { ORIGINS } from './rig-config.ts'
import { NOBODY, type Rig, type SignedIn } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'

interface SsrfVector extends Vector {
  readonly url: string
  readonly sinks: readonly string[]
}

let bob: SignedIn
const SIGNER = newSigner()

/** Headers that name an address somewhere: a key, an origin, another host. Nobody here follows any of them. */
const NAMING = [
  'Azp',
  'JKU',
  'X5U',
  'X-Forwarded-Host',
  'X-Forwarded-Server',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Forwarded-Uri',
  'Forwarded',
  'Referer',
  'Origin',
  'Location',
  'Destination',
  'True-Client-IP',
  'Request-URI',
]

/** The address with the canary's port, as bytes of a header. */
function addressFor(rig: Rig, { url }: SsrfVector): string {
  return Buffer.from(url.replaceAll('PORT', String(rig.canaryPort)), 'utf8').toString('latin1')
}

/** Named by a request in every header, and as its target; with a session, without one, and as an upgrade. */
async function namedByRequest(rig: Rig, address: string): Promise<void> {
  const lines = NAMING.map((name) => `${name}: ${address}\r\n`).join('')
  for (const cookie of [NOBODY.cookie('app'), bob.cookie('app')])
    for (const upgrade of ['', WEB_SOCKET]) {
      const end = `HTTP/1.1\r\nHost: app.example.com\r\n${cookie}${upgrade}`
      noServerError(rig, await rig.ask(`GET /public/x ${end}${lines}\r\n`), `headers name ${address}`)
      const mark = rig.mark()
      if (!address.includes(' ')) {
        const answer = await rig.ask(`GET ${address} ${end}\r\n`)
        noServerError(rig, answer, `GET ${address}`)
        assert.ok(answer === undefined || answer.status >= 400, `GET ${address}: ${answer?.status}`)
        noServerError(rig, await rig.ask(`CONNECT ${address} ${end}\r\n`), `CONNECT ${address}`)
      }
      upstreamSilent(rig, mark, `${address} as a target`)
    }
}

/** The application's redirect goes to the browser, or to the site where it means the application; nobody here follows it. */
async function namedByApplication(rig: Rig, id: string, address: string): Promise<void> {
  rig.upstream.behave(`/public/${id}`, (socket) =>
    socket.write(
      `HTTP/1.1 302 Found\r\nLocation: ${address}\r\nLink: <${address}>\r\nContent-Length: 0\r\n\r\n`,
      'latin1',
    ),
  )
  noServerError(rig, await rig.ask(`GET /public/${id} HTTP/1.1\r\nHost: app.example.com\r\n\r\n`), id)
}

/** Where somebody wants to go after login, or came from. */
async function namedByLogin(rig: Rig, address: string): Promise<void> {
  const value = encodeURIComponent(address)
  for (const path of [
    `/login/employees?goto=${value}&gotoOnFail=${value}&RelayState=${value}`,
    `/logout?goto=${value}&agent=${value}`,
    `/login/employees?agent=${value}&state=${'A'.repeat(43)}.0`,
  ]) {
    const page = await bob.client.call(ORIGINS.login + path)
    noServerError(rig, page, path)
    leadsNowhereElse(rig, page, page.url, path)
  }
}

/** An application that is configured under such an address is an address of http or https, or refused. */
async function namedByConfiguration(rig: Rig, address: string): Promise<void> {
  const file = 'agent-config/shop.yaml'
  const { snapshot, problems } = await loadWith(rig, file, (text) =>
    text.replace(/servers: .*/, `servers: [${JSON.stringify(address)}]`),
  )
  const refused = problems.filter(({ severity }) => severity === 'error')
  assert.ok(
    refused.every((problem) => problem.file === file),
    'all else is as it was',
  )
  const server = snapshot?.agents.find(({ id }) => id === 'shop')?.upstream?.servers[0]
  if (server === undefined || server.startsWith('unix:')) return
  assert.match(server, /^https?:\/\/[^/?#@\\\s]+$/, 'an origin and nothing else')
  assert.equal(new URL(server).origin, server, 'in the one form that is dialled')
}

/** In a SAML message, as where its key or what it has to say is to be had: nobody looks there. */
function namedBySaml(address: string): void {
  const at = address.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const method = `<ds:RetrievalMethod URI="${at}"/>`
  const response = signedResponse(SIGNER).replace(
    /<ds:KeyInfo>[\s\S]*<\/ds:KeyInfo>/,
    `<ds:KeyInfo>${method}</ds:KeyInfo>`,
  )
  const moment = { now: NOW, skewMs: 0 }
  const rules = { expects: 'Response', destinations: [ACS], signed: 'any', moment } as const
  const open = (xml: string) =>
    openMessage(
      { binding: 'post', field: field(xml), relayState: undefined },
      { ...rules, partner: () => ({ entityId: IDP, keys: [SIGNER.partnerKey] }) },
    )
  assert.equal(open(response).kind, 'message', 'the key is the metadata’s, whatever the message says of it')
  const elsewhere = `<xenc:CipherReference URI="${at}"/>`
  for (const [from, to] of [
    [/<xenc:EncryptedKey>[\s\S]*<\/xenc:EncryptedKey>/, method],
    [/<xenc:CipherValue>[^<]*<\/xenc:CipherValue>/g, elsewhere],
  ] as const) {
    const sealed = encryptedFor(SIGNER.partnerKey.key, '<x/>', { wrap: 'EncryptedAssertion' }).replaceAll(
      new RegExp(from, 'g'),
      to,
    )
    const opened = open(responseXml(sealed))
    const more = { audience: SP, recipient: ACS, inResponseTo: '_request', decryptionKeys: [SIGNER.key] }
    assert.ok(opened.kind === 'message')
    assert.equal(acceptAssertion(opened, { ...rules, ...more }).kind, 'refused')
  }
}

/** In the metadata of an OpenID provider, as any of its endpoints. */
async function namedByProvider(address: string): Promise<void> {
  const provider = openIdProviderSchema.parse({
    ...{ title: 'IdP', issuer: 'https://idp.example', clientId: 'x', clientSecret: 'x'.repeat(16) },
    ...{ link: { claim: 'sub', is: 'id' }, timeout: '1s' },
  })
  const asking = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
  await assert.rejects(endpointFetch(provider)(address, asking), address)
}

/** Where a SAML partner publishes its metadata. */
async function namedByMetadata(rig: Rig, url: string): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined }
  const address = { url, internal: false, entityId: 'https://sp.example', signers: undefined, refreshMs: 3_600_000 }
  const feed = openMetadataFeed(address, readServiceProvider, { clock: systemClock, log })
  assert.equal(await feed.partner(), undefined, url)
  feed.close()
  assert.equal(rig.canaryDialled(), 0, url)
}

runVectors<SsrfVector>('ssrf', {
  beyond,
  async setUp(rig) {
    bob = await rig.signIn('bob')
  },
  async every(rig, vector) {
    const address = addressFor(rig, vector)
    await namedByRequest(rig, address)
    await namedByApplication(rig, vector.id, address)
    await namedByLogin(rig, address)
    await namedByConfiguration(rig, vector.url.replaceAll('PORT', String(rig.canaryPort)))
    namedBySaml(vector.url.replaceAll('PORT', String(rig.canaryPort)))
    await namedByProvider(vector.url.replaceAll('PORT', String(rig.canaryPort)))
    await namedByMetadata(rig, vector.url.replaceAll('PORT', String(rig.canaryPort)))
    await calm(rig, vector.id, 400)
  },
})

function beyond(): void {
  test('every place that would take an address is attacked above or waits for its part', () => {
    const sinks = new Set((readVectors('ssrf') as readonly SsrfVector[]).flatMap((vector) => vector.sinks))
    const waiting = readPending().flatMap((part) => part.sinks ?? [])
    // A certificate names them all in x509.test.ts; all that a provider names is asked alike; what clients name is in oidc_op.test.ts.
    const certificate = 'CRL DP / OCSP / AIA in a client certificate'
    const clients = ['request_uri', 'sector_identifier_uri', 'logo_uri', 'backchannel_logout_uri', 'WebFinger']
    const saml = 'SAML RetrievalMethod / artifact resolution'
    const elsewhere = [certificate, 'OIDC issuer/discovery', 'jwks_uri', 'IdP/SP metadata URL', saml, ...clients]
    assert.deepEqual([...waiting, ...elsewhere, 'Azp/JKU headers'].sort(), [...sinks].sort())
  })
}
