import { constants, createCipheriv, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto'

interface Encryption {
  readonly wrap: 'EncryptedAssertion' | 'EncryptedID'
  readonly cipher?: 'aes-256-gcm' | 'aes-256-cbc'
  readonly padding?: 'oaep' | 'pkcs1'
  /** One bit of the content is changed. */
  readonly flip?: boolean
}

/** As partners encrypt, by XML Encryption 1.1. */
export function encryptedFor(
  key: KeyObject,
  xml: string,
  { wrap, cipher = 'aes-256-gcm', padding = 'oaep', flip = false }: Encryption,
): string {
  const secret = randomBytes(32)
  const isGcm = cipher === 'aes-256-gcm'
  const iv = randomBytes(isGcm ? 12 : 16)
  const encrypt = createCipheriv(cipher, secret, iv)
  const body = Buffer.concat([iv, encrypt.update(xml, 'utf8'), encrypt.final()])
  const octets = isGcm
    ? Buffer.concat([body, (encrypt as ReturnType<typeof createCipheriv> & { getAuthTag(): Buffer }).getAuthTag()])
    : body
  if (flip) octets[20] = (octets[20] ?? 0) ^ 1
  const scheme = padding === 'oaep' ? constants.RSA_PKCS1_OAEP_PADDING : constants.RSA_PKCS1_PADDING
  const wrapped = publicEncrypt({ key, padding: scheme }, secret)
  const algorithm = isGcm ? 'http://www.w3.org/2009/xmlenc11#aes256-gcm' : 'http://www.w3.org/2001/04/xmlenc#aes256-cbc'
  const value = (bytes: Buffer): string =>
    `<xenc:CipherData><xenc:CipherValue>${bytes.toString('base64')}</xenc:CipherValue></xenc:CipherData>`
  const keyAlgorithm = `http://www.w3.org/2001/04/xmlenc#rsa-${padding === 'oaep' ? 'oaep-mgf1p' : '1_5'}`
  return (
    `<saml:${wrap} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">` +
    `<xenc:EncryptionMethod Algorithm="${algorithm}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>` +
    `<xenc:EncryptionMethod Algorithm="${keyAlgorithm}"/>${value(wrapped)}</xenc:EncryptedKey></ds:KeyInfo>${value(octets)}` +
    `</xenc:EncryptedData></saml:${wrap}>`
  )
}
