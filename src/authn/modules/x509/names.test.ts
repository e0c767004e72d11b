import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BmpString, Constructed, ObjectIdentifier, PrintableString, Sequence, TeletexString, Utf8String } from 'asn1js'
import { Extension, GeneralName } from 'pkijs'
import { CN, issue, nameOf, type Rdn, type Wanted } from './certificates.fixture.ts'
import { readCertificate } from '../../../crypto/x509/certificate.ts'
import { nameIn, type NameSource } from './names.ts'

const OU = '2.5.4.11'
const UPN = '1.3.6.1.4.1.311.20.2.3'

function nameFrom(from: NameSource, wanted: Wanted): string | undefined {
  const certificate = readCertificate(issue(wanted).der)
  assert.ok(certificate)
  return nameIn(certificate, from)
}

const cn = (...rdns: readonly Rdn[]): string | undefined => nameFrom('subject:CN', { name: nameOf(...rdns) })

function alternatives(...names: readonly (GeneralName | Constructed)[]): Wanted {
  const value = new Sequence({ value: names.map((name) => (name instanceof GeneralName ? name.toSchema() : name)) })
  return { more: [new Extension({ extnID: '2.5.29.17', extnValue: value.toBER() })] }
}

const mail = (value: string): GeneralName => new GeneralName({ type: 1, value })
/** As Windows writes it: [0] { the OID, [0] { the UTF8String } }, which pkijs would wrap once more. */
const upn = (value: string): Constructed =>
  new Constructed({
    idBlock: { tagClass: 3, tagNumber: 0 },
    value: [
      new ObjectIdentifier({ value: UPN }),
      new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [new Utf8String({ value })] }),
    ],
  })

test('the common name is one attribute, alone in its RDN, in a string that is read one way only', () => {
  assert.equal(cn([CN, 'alice']), 'alice')
  assert.equal(cn([OU, 'people'], [CN, new PrintableString({ value: 'alice' })]), 'alice')
  assert.equal(cn([OU, 'people']), undefined)
  assert.equal(cn([CN, 'alice'], [CN, 'admin']), undefined, 'two')
  assert.equal(
    cn([
      [CN, 'admin'],
      [OU, 'people'],
    ]),
    undefined,
    'a multi-valued RDN',
  )
  assert.equal(
    cn(
      [CN, 'alice'],
      [
        [OU, 'x'],
        [CN, 'admin'],
      ],
    ),
    undefined,
    'one more in a multi-valued RDN',
  )
  assert.equal(cn([CN, new BmpString({ value: 'admin' })]), undefined, 'BMPString')
  assert.equal(cn([CN, new TeletexString({ value: 'admin' })]), undefined, 'T61String')
})

test('a name that a reader in another place would cut or fold is none', () => {
  for (const name of ['admin\0.evil', ' admin', 'admin ', 'ad\u200bmin', 'admin\n', '', 'a\u0301', 'x'.repeat(300)])
    assert.equal(cn([CN, name]), undefined, JSON.stringify(name))
  assert.equal(cn([CN, 'Zoë']), 'Zoë')
})

test('of alternative names there is one of the kind, and it counts', () => {
  assert.equal(nameFrom('email', alternatives(mail('alice@corp.example'))), 'alice@corp.example')
  assert.equal(nameFrom('email', alternatives(mail('alice@corp.example'), mail('admin@corp.example'))), undefined)
  assert.equal(nameFrom('email', {}), undefined)
  assert.equal(nameFrom('upn', alternatives(upn('alice@corp.example'), mail('x@corp.example'))), 'alice@corp.example')
  assert.equal(nameFrom('upn', alternatives(upn('alice@corp.example'), upn('admin@corp.example'))), undefined)
  assert.equal(nameFrom('upn', alternatives(mail('alice@corp.example'))), undefined)
  const uri = new GeneralName({ type: 6, value: 'urn:user:alice' })
  assert.equal(nameFrom('uri', alternatives(uri)), 'urn:user:alice')
})

test('a fingerprint is that of the whole certificate, in small hexadecimal letters', () => {
  assert.match(nameFrom('fingerprint', {}) ?? '', /^[0-9a-f]{64}$/)
})
