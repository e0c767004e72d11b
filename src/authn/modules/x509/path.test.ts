import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Extension, GeneralName, GeneralNames, GeneralSubtree, NameConstraints } from 'pkijs'
import { CN, issue, nameOf, RSA_SHA1, rsaKeys, SERVER_AUTH, type Issued, type Wanted } from './certificates.fixture.ts'
import { readCertificate, type Certificate } from '../../../crypto/x509/certificate.ts'
import { findPath } from './path.ts'

const DAY = 86_400_000
const ROOT = nameOf([CN, 'root'])
const root = issue({ authority: true, name: ROOT, keys: rsaKeys(2_048) })

function judge(leaf: Issued, others: readonly Issued[] = [], more: readonly Issued[] = [root]): string {
  const read = ({ der }: Issued): Certificate[] => [readCertificate(der)].filter((each) => each !== undefined)
  const [first] = read(leaf)
  if (first === undefined) return 'unreadable'
  const path = findPath({
    leaf: first,
    others: others.flatMap(read),
    authorities: more.flatMap(read),
    now: Date.now(),
  })
  return typeof path === 'string' ? path : 'valid'
}

function authority(name: string, wanted: Wanted = {}): Issued {
  return issue({ by: root, authority: true, name: nameOf([CN, name]), ...wanted })
}

test('RFC 5280 §6.1: a certificate of an authority is valid, by RSA and by EC, with intermediates in any order', () => {
  const one = authority('one')
  const two = authority('two', { by: one, keys: rsaKeys(2_048) })
  const leaf = issue({ by: two })
  assert.equal(judge(issue({ by: root })), 'valid')
  assert.equal(judge(issue({ by: root, keys: rsaKeys(2_048) })), 'valid')
  for (const others of [
    [one, two],
    [two, one],
    [issue({}), two, two, one],
  ])
    assert.equal(judge(leaf, others), 'valid', `${others.length} others`)
  assert.equal(judge(leaf, [two]), 'certificate-untrusted')
})

test('nobody but an authority of the configuration is trusted', () => {
  const namesake = issue({ authority: true, name: ROOT })
  assert.equal(judge(issue()), 'certificate-untrusted', 'self-signed')
  assert.equal(judge(issue({ by: namesake }), [namesake]), 'certificate-untrusted', 'an authority of the same name')
  assert.equal(judge(issue({ by: root }), [], []), 'certificate-untrusted')
})

test('a certificate counts between its dates, and so do those above it', () => {
  const [past, future] = [Date.now() - DAY, Date.now() + DAY]
  assert.equal(judge(issue({ by: root, from: past - DAY, until: past })), 'certificate-expired')
  assert.equal(judge(issue({ by: root, from: future, until: future + DAY })), 'certificate-not-yet-valid')
  const old = authority('old', { from: past - DAY, until: past })
  assert.equal(judge(issue({ by: old }), [old]), 'certificate-expired')
  const stale = issue({ authority: true, name: nameOf([CN, 'stale']), from: past - DAY, until: past })
  assert.equal(judge(issue({ by: stale }), [], [stale]), 'certificate-expired')
})

test('only an authority issues: no person, none without keyCertSign, none below a path length (RFC 5280 §4.2.1.9)', () => {
  const unfit = 'certificate-unfit'
  const person = issue({ by: root, name: nameOf([CN, 'person']), usage: 0x86 })
  assert.equal(judge(issue({ by: person }), [person]), unfit, 'a person')
  const silent = authority('silent', { usage: 0x02 })
  assert.equal(judge(issue({ by: silent }), [silent]), unfit, 'keyCertSign')
  const last = authority('last', { authority: { pathLength: 0 } })
  assert.equal(judge(issue({ by: last }), [last]), 'valid', 'pathLen 0 above a person')
  const below = authority('below', { by: last })
  assert.equal(judge(issue({ by: below }), [last, below]), unfit, 'pathLen')
  const servers = authority('servers', { purposes: [SERVER_AUTH] })
  assert.equal(judge(issue({ by: servers }), [servers]), unfit, 'purpose of the authority')
  const short = issue({ authority: { pathLength: 0 }, name: nameOf([CN, 'short']) })
  const under = issue({ authority: true, name: nameOf([CN, 'under']), by: short })
  assert.equal(judge(issue({ by: under }), [under], [short]), unfit, 'pathLen of the root')
})

test('a certificate of a person is for signing in, and says so', () => {
  const unfit = 'certificate-unfit'
  assert.equal(judge(issue({ by: root, purposes: [SERVER_AUTH] })), unfit)
  assert.equal(judge(issue({ by: root, purposes: null })), unfit)
  assert.equal(judge(issue({ by: root, purposes: ['2.5.29.37.0'] })), unfit)
  assert.equal(judge(issue({ by: root, authority: true, usage: 0x86, purposes: ['1.3.6.1.5.5.7.3.2'] })), unfit)
  assert.equal(judge(issue({ by: root, usage: 0x20 })), unfit, 'keyEncipherment')
  assert.equal(judge(issue({ by: root, usage: null })), 'valid')
})

test('weak keys and signatures do not count', () => {
  assert.equal(judge(issue({ by: root, keys: rsaKeys(1_024) })), 'certificate-unfit')
  const weak = issue({ authority: true, name: nameOf([CN, 'weak']), keys: rsaKeys(1_024) })
  assert.equal(judge(issue({ by: weak }), [], [weak]), 'certificate-untrusted')
  assert.equal(judge(issue({ by: root, algorithm: RSA_SHA1 })), 'unreadable')
  assert.equal(judge(issue({ by: root, algorithm: { oid: '1.2.840.113549.1.1.4', hash: 'md5' } })), 'unreadable')
})

test('a critical extension that nobody understands, and one twice, make a certificate unreadable (RFC 5280 §4.2)', () => {
  const strange = new Extension({
    extnID: '1.2.3.4',
    critical: true,
    extnValue: Buffer.from('0500', 'hex').buffer.slice(0, 2),
  })
  assert.equal(judge(issue({ by: root, more: [strange] })), 'unreadable')
  const twice = new Extension({ extnID: '2.5.29.15', extnValue: Uint8Array.of(3, 2, 0, 0x80).buffer })
  assert.equal(judge(issue({ by: root, more: [twice] })), 'unreadable')
})

test('RFC 5280 §4.2.1.10: names outside of what their authority may name are refused', () => {
  const permitted = new NameConstraints({
    permittedSubtrees: [new GeneralSubtree({ base: new GeneralName({ type: 1, value: 'corp.example' }) })],
  })
  const extension = new Extension({ extnID: '2.5.29.30', critical: true, extnValue: permitted.toSchema().toBER() })
  const narrow = authority('narrow', { more: [extension] })
  const named = (mail: string): Issued => {
    const names = new GeneralNames({ names: [new GeneralName({ type: 1, value: mail })] })
    const more = [new Extension({ extnID: '2.5.29.17', extnValue: names.toSchema().toBER() })]
    return issue({ by: narrow, more })
  }
  assert.equal(judge(named('alice@corp.example'), [narrow]), 'valid')
  assert.equal(judge(named('admin@other.example'), [narrow]), 'certificate-name-not-permitted')
})

test('authorities that have signed each other lead nowhere, soon', () => {
  const holders = Array.from({ length: 5 }, (_, i) => issue({ authority: true, name: nameOf([CN, `loop ${i}`]) }))
  const crossed = holders.flatMap((holder) =>
    holders
      .filter((by) => by !== holder)
      .map((by) => issue({ authority: true, keys: holder.keys, name: holder.name, by })),
  )
  const start = performance.now()
  assert.equal(judge(issue({ by: holders[0] ?? root }), crossed), 'certificate-untrusted')
  assert.ok(performance.now() - start < 10_000)
})
