import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Constructed, ObjectIdentifier, OctetString, Sequence, Utf8String } from 'asn1js'
import { Extension, GeneralName, type RelativeDistinguishedNames } from 'pkijs'
import { readCertificate, type Certificate } from '../../../crypto/x509/certificate.ts'
import { CN, issue, nameOf, type Issued, type Rdn, type Wanted } from './certificates.fixture.ts'
import { findPath } from './path.ts'

const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'
const O = '2.5.4.10'
const UPN = '1.3.6.1.4.1.311.20.2.3'

type Name = GeneralName | Constructed

const mail = (value: string): GeneralName => new GeneralName({ type: 1, value })
const host = (value: string): GeneralName => new GeneralName({ type: 2, value })
const dn = (...rdns: readonly Rdn[]): GeneralName => new GeneralName({ type: 4, value: nameOf(...rdns) })
const uri = (value: string): GeneralName => new GeneralName({ type: 6, value })
const address = (...bytes: readonly number[]): GeneralName =>
  new GeneralName({ type: 7, value: new OctetString({ valueHex: Buffer.from(bytes) }) })
const tagged = (tagNumber: number, ...value: readonly (ObjectIdentifier | Utf8String | Constructed | Sequence)[]) =>
  new Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [...value] })
const upn = (value: string): Constructed =>
  tagged(0, new ObjectIdentifier({ value: UPN }), tagged(0, new Utf8String({ value })))

const schemaOf = (name: Name) => (name instanceof GeneralName ? name.toSchema() : name)

interface Constraints {
  readonly permitted?: readonly Name[]
  readonly excluded?: readonly Name[]
}

function constraints({ permitted, excluded }: Constraints): Extension {
  const trees = (tagNumber: number, names: readonly Name[] | undefined): readonly Constructed[] =>
    names === undefined ? [] : [tagged(tagNumber, ...names.map((name) => new Sequence({ value: [schemaOf(name)] })))]
  const value = new Sequence({ value: [...trees(0, permitted), ...trees(1, excluded)] })
  return new Extension({ extnID: '2.5.29.30', critical: true, extnValue: value.toBER() })
}

const root = issue({ authority: true, name: nameOf([CN, 'root']) })

function narrow(by: Issued, name: string, ...all: readonly Constraints[]): Issued {
  return issue({ by, authority: true, name: nameOf([CN, name]), more: all.map(constraints) })
}

function alternatives(...names: readonly Name[]): Wanted {
  const value = new Sequence({ value: names.map(schemaOf) })
  return { more: [new Extension({ extnID: '2.5.29.17', extnValue: value.toBER() })] }
}

function judge(leaf: Issued, others: readonly Issued[], authority = root): string {
  const read = ({ der }: Issued): Certificate => readCertificate(der) ?? assert.fail('unreadable')
  const path = findPath({
    leaf: read(leaf),
    others: others.map(read),
    authorities: [read(authority)],
    now: Date.now(),
  })
  return typeof path === 'string' ? path : 'valid'
}

const REFUSED = 'certificate-name-not-permitted'

/** What a certificate below an authority with these constraints comes to. */
const below = (limits: Constraints, wanted: Wanted): string => {
  const by = narrow(root, 'narrow', limits)
  return judge(issue({ by, ...wanted }), [by])
}

const subject = (...rdns: readonly Rdn[]): { readonly name: RelativeDistinguishedNames } => ({ name: nameOf(...rdns) })

test('RFC 5280 §6.1.4 (g): whoever may name less cannot let another name more', () => {
  const first = narrow(root, 'first', { permitted: [mail('corp.example')] })
  const second = narrow(first, 'second', { permitted: [mail('other.example')] })
  const both = [first, second]
  assert.equal(judge(issue({ by: second, ...alternatives(mail('admin@other.example')) }), both), REFUSED)
  assert.equal(judge(issue({ by: second, ...alternatives(mail('alice@corp.example')) }), both), REFUSED)
  assert.equal(judge(issue({ by: second }), both), 'valid')
})

test('an authority of the configuration that may name less is held to it', () => {
  const own = issue({
    authority: true,
    name: nameOf([CN, 'own']),
    more: [constraints({ permitted: [mail('corp.example')] })],
  })
  assert.equal(judge(issue({ by: own, ...alternatives(mail('alice@corp.example')) }), [], own), 'valid')
  assert.equal(judge(issue({ by: own, ...alternatives(mail('alice@other.example')) }), [], own), REFUSED)
})

test('an address in the subject counts like one beside it, whatever other names there are', () => {
  const limits = [{ permitted: [mail('corp.example')] }, { excluded: [mail('other.example')] }]
  const ours = subject([CN, 'x'], [EMAIL_ADDRESS, 'alice@corp.example'])
  const theirs = subject([CN, 'x'], [EMAIL_ADDRESS, 'admin@other.example'])
  for (const limit of limits) {
    for (const more of [{}, alternatives(host('x.corp.example')), alternatives(mail('alice@corp.example'))]) {
      assert.equal(below(limit, { ...ours, ...more }), 'valid')
      assert.equal(below(limit, { ...theirs, ...more }), REFUSED)
    }
  }
})

test('a kind of name that cannot be judged is refused where it is limited', () => {
  assert.equal(below({ permitted: [upn('corp.example')] }, alternatives(upn('admin@other.example'))), REFUSED)
  assert.equal(below({ excluded: [upn('other.example')] }, alternatives(upn('admin@other.example'))), REFUSED)
  assert.equal(below({ permitted: [upn('corp.example')] }, alternatives(mail('alice@corp.example'))), 'valid')
})

const CASES: readonly (readonly [what: string, limit: Name, inside: readonly Name[], outside: readonly Name[]])[] = [
  ['one mailbox', mail('a@corp.example'), [mail('a@CORP.example')], [mail('b@corp.example'), mail('A@corp.example')]],
  ['one mail host', mail('corp.example'), [mail('a@corp.example')], [mail('a@x.corp.example'), mail('corp.example')]],
  ['mail below', mail('.corp.example'), [mail('a@x.corp.example')], [mail('a@corp.example'), mail('a@xcorp.example')]],
  ['hosts', host('corp.example'), [host('x.corp.example'), host('CORP.example')], [host('xcorp.example')]],
  ['one URI host', uri('corp.example'), [uri('https://corp.example/a')], [uri('https://x.corp.example/a')]],
  [
    'URIs below',
    uri('.corp.example'),
    [uri('spiffe://x.corp.example/a')],
    [uri('https://corp.example:x@evil.example/'), uri('urn:user:alice'), uri('https://x.corp.example@evil.example/')],
  ],
  ['a network', address(10, 0, 0, 0, 255, 0, 0, 0), [address(10, 1, 2, 3)], [address(11, 1, 2, 3)]],
  ['a directory', dn([O, 'Corp']), [dn([O, 'Corp'], [CN, 'x'])], [dn([CN, 'x'], [O, 'Corp']), dn([O, 'Other'])]],
]

for (const [what, limit, inside, outside] of CASES) {
  test(`RFC 5280 §4.2.1.10: ${what}`, () => {
    const under = subject([O, 'Corp'], [CN, 'alice'])
    for (const name of inside) {
      assert.equal(below({ permitted: [limit] }, { ...under, ...alternatives(name) }), 'valid')
      assert.equal(below({ excluded: [limit] }, { ...subject([CN, 'y']), ...alternatives(name) }), REFUSED)
    }
    for (const name of outside)
      assert.equal(below({ permitted: [limit] }, { ...under, ...alternatives(name) }), REFUSED)
  })
}
