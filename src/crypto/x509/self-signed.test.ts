import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { selfSignedCertificate } from './self-signed.ts'

test('a key certifies itself, always in the same way', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const about = {
    name: 'login.acme.example /employees ä' + '-'.repeat(80),
    notBefore: Date.UTC(2026, 0, 2, 3, 4, 5),
    notAfter: Date.UTC(2056, 0, 2),
  }
  const made = selfSignedCertificate(privateKey, about)
  assert.deepEqual(selfSignedCertificate(privateKey, about), made)
  const read = new X509Certificate(made)
  assert.deepEqual(read.raw, made)
  assert.equal(read.verify(read.publicKey), true)
  assert.equal(read.checkPrivateKey(privateKey), true)
  assert.deepEqual([read.subject, read.issuer], Array(2).fill(`CN=${Array.from(about.name).slice(0, 64).join('')}`))
  assert.deepEqual([Date.parse(read.validFrom), Date.parse(read.validTo)], [about.notBefore, about.notAfter])
})
