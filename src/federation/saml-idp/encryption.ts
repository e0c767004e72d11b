import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import { element, type XmlText } from '../../http/xml-writer.ts'
import type { EncryptionKey } from '../saml/metadata-keys.ts'
import { NS } from '../saml/names.ts'

interface Cipher {
  readonly name: 'aes-256-gcm' | 'aes-128-gcm' | 'aes-256-cbc' | 'aes-128-cbc'
  readonly keyBytes: number
}

/** The best first. CBC shows no changes: it is for partners that say they can do nothing else (XML Encryption 1.1 §5.2). */
const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  [`${NS.encryption11}aes256-gcm`, { name: 'aes-256-gcm', keyBytes: 32 }],
  [`${NS.encryption11}aes128-gcm`, { name: 'aes-128-gcm', keyBytes: 16 }],
  [`${NS.encryption}aes256-cbc`, { name: 'aes-256-cbc', keyBytes: 32 }],
  [`${NS.encryption}aes128-cbc`, { name: 'aes-128-cbc', keyBytes: 16 }],
])
const BEST = `${NS.encryption11}aes256-gcm`
const OAEP = `${NS.encryption}rsa-oaep-mgf1p`

/** An assertion, or a NameID, for whoever has the key (SAML Core 2.0 §2.3.4, §2.2.4): by a key of its own, which RSA-OAEP encrypts. */
export function encryptAs(
  name: 'EncryptedAssertion' | 'EncryptedID',
  xml: string,
  { key, methods }: EncryptionKey,
): XmlText {
  const algorithm = [...CIPHERS.keys()].find((each) => methods.includes(each)) ?? BEST
  const { name: cipher, keyBytes } = CIPHERS.get(algorithm) ?? { name: 'aes-256-gcm', keyBytes: 32 }
  const secret = randomBytes(keyBytes)
  const wrapped = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, secret)
  return element(
    `saml:${name}`,
    {},
    element(
      'xenc:EncryptedData',
      { 'xmlns:xenc': NS.encryption, Type: 'http://www.w3.org/2001/04/xmlenc#Element' },
      element('xenc:EncryptionMethod', { Algorithm: algorithm }),
      element(
        'ds:KeyInfo',
        { 'xmlns:ds': NS.signature },
        element(
          'xenc:EncryptedKey',
          {},
          element(
            'xenc:EncryptionMethod',
            { Algorithm: OAEP },
            element('ds:DigestMethod', { Algorithm: 'http://www.w3.org/2000/09/xmldsig#sha1' }),
          ),
          cipherData(wrapped),
        ),
      ),
      cipherData(encrypted(cipher, secret, Buffer.from(xml, 'utf8'))),
    ),
  )
}

function encrypted(name: Cipher['name'], secret: Buffer, plain: Buffer): Buffer {
  if (name === 'aes-256-gcm' || name === 'aes-128-gcm') {
    const iv = randomBytes(12)
    const cipher = createCipheriv(name, secret, iv)
    return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }
  // The padding of PKCS #7 is one of those that XML Encryption allows (§5.2.3).
  const iv = randomBytes(16)
  const cipher = createCipheriv(name, secret, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

function cipherData(octets: Buffer): XmlText {
  return element('xenc:CipherData', {}, element('xenc:CipherValue', {}, octets.toString('base64')))
}
