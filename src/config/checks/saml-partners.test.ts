import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { partnerKeys, spMetadata } from '../../federation/saml-idp/sp.fixture.ts'
import { problemsOf } from '../config-folder.fixture.ts'

const SP = 'https://wiki.example/saml'
const consumers = ['https://wiki.example/acs']
const keys = partnerKeys()
const metadata = spMetadata({ entityId: SP, keys, consumers })
const expired = selfSignedCertificate(keys.privateKey, { name: 'sp', notBefore: 0, notAfter: 1_000 }).toString('base64')
const partner = (more = '', id = 'wiki', entityId = SP): string =>
  `{ id: ${id}, entityId: "${entityId}"${more.includes('metadata') ? '' : ', metadata: "${file:wiki.xml}"'}${more} }`
const clients = (...partners: readonly string[]): string => `saml: { serviceProviders: [${partners.join(', ')}] }`

const CASES: readonly [why: string, clients: string, xml: string, problem: RegExp | undefined][] = [
  ['a sound one', clients(partner()), metadata, undefined],
  [
    'two of one id',
    clients(partner(), partner('', 'wiki', 'https://b.example')),
    metadata,
    /partner "wiki" is there already/,
  ],
  [
    'two of one entity id',
    clients(partner(), partner('', 'b')),
    metadata,
    /partner "https:\/\/wiki.example\/saml" is there already/,
  ],
  [
    'a client of the same id',
    `clients: [{ id: wiki, secret: a-long-enough-secret, redirectUris: ["https://a.example/cb"] }]\n${clients(partner())}`,
    metadata,
    /"wiki" is there already/,
  ],
  [
    'an address that is none',
    clients(partner()),
    metadata
      .replace('<md:AssertionConsumerService', '\n  <md:AssertionConsumerService')
      .replace('https://wiki.example/acs', 'javascript:x'),
    /^wiki\.xml:2:3: AssertionConsumerService: its address/,
  ],
  [
    'metadata of somebody else',
    clients(partner('', 'wiki', 'https://b.example')),
    metadata,
    /^wiki\.xml:1:1: .*not the metadata of https:\/\/b\.example/,
  ],
  [
    'encryption without a key',
    clients(partner(', encrypt: true')),
    metadata.replace('<md:KeyDescriptor>', '<md:KeyDescriptor use="signing">'),
    /no certificate of an RSA key/,
  ],
  [
    'metadata that is over',
    clients(partner()),
    metadata.replace(' entityID', ' validUntil="2020-01-01T00:00:00Z" entityID'),
    /warning: this metadata is over/,
  ],
  [
    'certificates that have expired',
    clients(partner()),
    spMetadata({ entityId: SP, keys: { certificate: expired }, consumers }),
    /warning: its certificates have expired/,
  ],
  ['no metadata', clients('{ id: a, entityId: "https://a.example" }'), metadata, /set metadata or metadataUrl/],
  ['an address in the clear', clients(partner(', metadataUrl: { url: "http://a.example/" }')), metadata, /use https/],
  [
    'a certificate that is none',
    clients(partner(', metadataUrl: { url: "https://a.example/", certificate: x }')),
    metadata,
    /this is no certificate/,
  ],
  ['a RelayState for nothing', clients(partner(', relayStates: [/x]')), metadata, /idpInitiated/],
]

test('SAML partners that cannot work are told at their places', async (t) => {
  for (const [why, yaml, xml, problem] of CASES) {
    const problems = await problemsOf(t, {
      'realms/employees/realm.yaml': '',
      'realms/employees/clients.yaml': yaml,
      'wiki.xml': xml,
    })
    if (problem === undefined) assert.deepEqual(problems, [], why)
    else assert.match(problems.join('\n'), problem, why)
  }
})
