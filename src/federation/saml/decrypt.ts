import { constants, createDecipheriv, privateDecrypt, type KeyObject } from 'node:crypto'
import type { XmlElement } from '../../http/xml.ts'
import { childrenOf, optionalChild, requiredChild, textOf } from './document.ts'
import { base64, LONGEST_XML } from './message-bytes.ts'
import { NS } from './names.ts'
import { refuse } from './refusal.ts'

interface Cipher {
  readonly name: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'aes-128-cbc' | 'aes-256-cbc'
  readonly keyBytes: number
  readonly isAuthenticated: boolean
}

/** XML Encryption 1.1 §5.2. */
const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  [`${NS.encryption11}aes128-gcm`, { name: 'aes-128-gcm', keyBytes: 16, isAuthenticated: true }],
  [`${NS.encryption11}aes192-gcm`, { name: 'aes-192-gcm', keyBytes: 24, isAuthenticated: true }],
  [`${NS.encryption11}aes256-gcm`, { name: 'aes-256-gcm', keyBytes: 32, isAuthenticated: true }],
  [`${NS.encryption}aes128-cbc`, { name: 'aes-128-cbc', keyBytes: 16, isAuthenticated: false }],
  [`${NS.encryption}aes256-cbc`, { name: 'aes-256-cbc', keyBytes: 32, isAuthenticated: false }],
])

const OAEP_MGF1P = `${NS.encryption}rsa-oaep-mgf1p`
const OAEP = `${NS.encryption11}rsa-oaep`
const DIGESTS: ReadonlyMap<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['http://www.w3.org/2000/09/xmldsig#sha1', 'sha1'],
  ['http://www.w3.org/2001/04/xmlenc#sha256', 'sha256'],
  ['http://www.w3.org/2001/04/xmldsig-more#sha384', 'sha384'],
  ['http://www.w3.org/2001/04/xmlenc#sha512', 'sha512'],
])
/** The hash of OAEP alone: the mask of `rsa-oaep-mgf1p` is of SHA-1 whatever the hash is, and Node has one hash for both. */
const MGF: ReadonlyMap<string, string> = new Map([
  [`${NS.encryption11}mgf1sha1`, 'sha1'],
  [`${NS.encryption11}mgf1sha256`, 'sha256'],
  [`${NS.encryption11}mgf1sha384`, 'sha384'],
  [`${NS.encryption11}mgf1sha512`, 'sha512'],
])

export interface Decryption {
  /** Ours, the newest first: what was encrypted for an older one is still read. */
  readonly keys: readonly KeyObject[]
  /**
   * Whether what is encrypted is covered by a signature that was checked. Else a cipher that does not notice changes (CBC) is
   * refused: who can send variants and see which of them fail reads the content (padding oracle).
   */
  readonly isSigned: boolean
}

/** The XML in an EncryptedAssertion or EncryptedID (SAML Core 2.0 §2.3.4). Every failure is one refusal: which it was helps attackers. */
export function decrypted(encrypted: XmlElement, { keys, isSigned }: Decryption): string {
  const data = requiredChild(encrypted, NS.encryption, 'EncryptedData')
  const method = requiredChild(data, NS.encryption, 'EncryptionMethod')
  const cipher = CIPHERS.get(method.attributes.get('Algorithm') ?? '')
  if (cipher === undefined) refuse('saml-encryption', 'a cipher that is not accepted')
  if (!cipher.isAuthenticated && !isSigned) refuse('saml-encryption', 'CBC without a signature over it')
  if (keys.length === 0) refuse('saml-encryption', 'nothing is encrypted for us: there is no key')
  const wrapped = encryptedKey(encrypted, data)
  const octets = cipherValue(data)
  for (const key of keys) {
    const text = opened({ cipher, octets, wrapped, key })
    if (text !== undefined) return text
  }
  return refuse('saml-encryption', 'it cannot be decrypted')
}

interface WrappedKey {
  readonly hash: string
  readonly octets: Buffer
}

/** In the data's KeyInfo, or beside the data. Nothing is looked up or fetched by a reference. */
function encryptedKey(encrypted: XmlElement, data: XmlElement): WrappedKey {
  const info = optionalChild(data, NS.signature, 'KeyInfo')
  const inside = info === undefined ? [] : childrenOf(info, NS.encryption, 'EncryptedKey')
  const [found, ...more] = [...inside, ...childrenOf(encrypted, NS.encryption, 'EncryptedKey')]
  if (found === undefined || more.length > 0) refuse('saml-encryption', 'not exactly one encrypted key')
  const method = requiredChild(found, NS.encryption, 'EncryptionMethod')
  const algorithm = method.attributes.get('Algorithm')
  const digest = optionalChild(method, NS.signature, 'DigestMethod')?.attributes.get('Algorithm')
  const hash = digest === undefined ? 'sha1' : DIGESTS.get(digest)
  const mask = optionalChild(method, NS.encryption11, 'MGF')?.attributes.get('Algorithm')
  const maskHash = algorithm === OAEP && mask !== undefined ? MGF.get(mask) : 'sha1'
  if (algorithm !== OAEP && algorithm !== OAEP_MGF1P)
    refuse('saml-encryption', 'a key encrypted in another way than by RSA-OAEP')
  if (hash === undefined || hash !== maskHash)
    refuse('saml-encryption', 'hashes of RSA-OAEP that are not accepted: both have to be the same')
  return { hash, octets: cipherValue(found) }
}

function cipherValue(of: XmlElement): Buffer {
  const data = requiredChild(of, NS.encryption, 'CipherData')
  const text = textOf(requiredChild(data, NS.encryption, 'CipherValue')).replaceAll(/[ \t\r\n]/g, '')
  if (data.children.length !== 1) refuse('saml-encryption', 'cipher data that stands somewhere else')
  return base64(text)
}

function opened({
  cipher,
  octets,
  wrapped,
  key,
}: {
  readonly cipher: Cipher
  readonly octets: Buffer
  readonly wrapped: WrappedKey
  readonly key: KeyObject
}): string | undefined {
  try {
    const secret = privateDecrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: wrapped.hash },
      wrapped.octets,
    )
    if (secret.length !== cipher.keyBytes) return undefined
    const plain = cipher.isAuthenticated ? gcm(cipher, octets, secret) : cbc(cipher, octets, secret)
    if (plain.length > LONGEST_XML) return undefined
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
  } catch {
    return undefined
  }
}

/** XML Encryption 1.1 §5.2.4: 12 octets of IV, the data, 16 octets of tag. */
function gcm({ name }: Cipher, octets: Buffer, secret: Buffer): Buffer {
  const decipher = createDecipheriv(name as 'aes-256-gcm', secret, octets.subarray(0, 12), { authTagLength: 16 })
  decipher.setAuthTag(octets.subarray(-16))
  return Buffer.concat([decipher.update(octets.subarray(12, -16)), decipher.final()])
}

/** XML Encryption 1.1 §5.2.3: the last octet says how many are padding; what the others are is left to the sender. */
function cbc({ name }: Cipher, octets: Buffer, secret: Buffer): Buffer {
  const decipher = createDecipheriv(name, secret, octets.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(octets.subarray(16)), decipher.final()])
  const padding = padded.at(-1) ?? 0
  if (padding < 1 || padding > 16) throw new RangeError('padding')
  return padded.subarray(0, -padding)
}
