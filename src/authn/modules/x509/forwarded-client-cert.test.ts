import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { CN, issue, nameOf, type Issued } from './certificates.fixture.ts'
import { readForwardedClientCert } from '../../../http/forwarded-client-cert.ts'

const authority = issue({ authority: true, name: nameOf([CN, 'People']) })
const alice = issue({ by: authority, name: nameOf([CN, 'alice']) })
const mallory = issue({ by: authority, name: nameOf([CN, 'mallory']) })

/** As Envoy encodes it. */
const encoded = (...certificates: readonly Issued[]): string =>
  certificates
    .map(({ pem }) =>
      pem.replace(/[\n +/=]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`),
    )
    .join('')
const hash = ({ der }: Issued): string => createHash('sha256').update(Buffer.from(der)).digest('hex')
const cert = (of: Issued): string => `Cert="${encoded(of)}"`
const element = (of: Issued, ...more: readonly string[]): string => [`Hash=${hash(of)}`, cert(of), ...more].join(';')
const read = (text: string): readonly string[] | 'refused' => {
  try {
    return readForwardedClientCert(text).map((der) => der.toString('hex'))
  } catch {
    return 'refused'
  }
}
const shown = (...of: readonly Issued[]): readonly string[] => of.map(({ der }) => Buffer.from(der).toString('hex'))

test('Envoy: the certificate of one element, with its chain, whatever the order, the case of keys and what else there is', () => {
  assert.deepEqual(read(element(alice)), shown(alice))
  assert.deepEqual(read(`hash=${hash(alice).toUpperCase()};CERT="${encoded(alice)}"`), shown(alice))
  assert.deepEqual(read(`By=spiffe://a/b;By=spiffe://a/c;${element(alice)}`), shown(alice))
  assert.deepEqual(
    read(element(alice, 'Subject="CN=\\"a\\", O=x;y=z,Cert=w"', 'URI=spiffe://x', 'DNS=a', 'DNS=b')),
    shown(alice),
  )
  assert.deepEqual(read(element(alice, `Chain="${encoded(alice, authority)}"`)), shown(alice, authority))
  assert.deepEqual(read(`Hash=${hash(alice)};Chain="${encoded(alice, authority)}"`), shown(alice, authority))
})

test('of several elements the last one counts, which the proxy in front has written', () => {
  assert.deepEqual(read(`${element(mallory)},${element(alice)}`), shown(alice))
  assert.deepEqual(read(`${element(mallory)} , ${element(alice)}`), shown(alice))
  assert.equal(read(`${element(alice)},By=x;Hash=${hash(mallory)}`), 'refused', 'one before it never stands in')
})

test('a name that the holder of a certificate chose becomes no element and no certificate', () => {
  const forged = element(alice)
  assert.equal(read(element(mallory, `URI=spiffe://x,${forged}`)), 'refused')
  assert.equal(read(element(mallory, `DNS=x,${forged}`)), 'refused')
  assert.equal(read(element(mallory, `URI=x;${cert(alice)}`)), 'refused')
  assert.equal(read(`Hash=${hash(mallory)};URI=x;${cert(alice)}`), 'refused')
  assert.equal(read(`Hash=${hash(mallory)};URI=x;Hash=${hash(alice)};${cert(alice)}`), 'refused')
  assert.deepEqual(read(element(mallory, `Subject="CN=x\\",${forged.replaceAll('"', '\\"')}"`)), shown(mallory))
  assert.equal(read(element(mallory, `Subject="CN=x",${forged}x`)), 'refused')
})

test('whatever is not exactly as Envoy writes it is refused', () => {
  const sound = element(alice)
  for (const text of [
    '',
    ',',
    ';',
    cert(alice),
    `Hash=${hash(alice)}`,
    `Hash=${hash(mallory)};${cert(alice)}`,
    `${sound};`,
    `${sound},`,
    `${sound};;By=x`,
    `;${sound}`,
    `,${sound}`,
    `${sound};By`,
    `${sound};By=`,
    `${sound};By=a=b`,
    `${sound};B y=x`,
    `${sound};By="x`,
    `${sound};By="x"y`,
    `${sound};By=x"y"`,
    `${sound};By=x y`,
    `${sound};${cert(alice)}`,
    `${sound};Hash=${hash(alice)}`,
    `${sound};Chain="${encoded(mallory, authority)}"`,
    `Hash=${hash(alice)};Cert="${encoded(alice, authority)}"`,
    `Hash=${hash(alice)};Cert="x${encoded(alice)}"`,
    `Hash=${hash(alice)};Cert="${encoded(alice)}%"`,
    `Hash=${hash(alice)};Cert=""`,
    `Hash=${hash(alice)};Cert="${Buffer.from(alice.der).toString('base64url')}"`,
    `${'By=x;'.repeat(200)}${sound}`,
  ])
    assert.equal(read(text), 'refused', text.slice(0, 60) + text.slice(-40))
})

test('a long header takes no longer than its length', () => {
  const start = performance.now()
  for (const text of ['"', '\\', '=', ',', ';', ' ', 'a="', 'a="\\', 'Cert="%0A', '-----BEGIN CERTIFICATE-----'])
    assert.equal(read(`By=${text.repeat(24_000 / text.length)}`), 'refused')
  assert.ok(performance.now() - start < 20_000)
})
