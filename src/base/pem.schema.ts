import { createPrivateKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'

/** PEM text of one or more certificates (RFC 7468 §5), the leaf first. */
export const pemCertificates = z
  .string()
  .refine(isCertificate, 'this is no PEM certificate; give the file through ${file:…}')

/** PEM text of a private key without a passphrase (RFC 7468 §10, §11). */
export const pemKey = z
  .string()
  .refine(isKey, 'this is no PEM private key without a passphrase; give the file through ${file:…}')

/** Whether the key is the certificate's: a mix-up is otherwise found by the first client. */
export function isPair({ cert, key }: { readonly cert: string; readonly key: string }): boolean {
  // What cannot be read at all is told at its own place.
  if (!isCertificate(cert) || !isKey(key)) return true
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
}

function isCertificate(text: string): boolean {
  return succeeds(() => new X509Certificate(text))
}

function isKey(text: string): boolean {
  return succeeds(() => createPrivateKey(text))
}

function succeeds(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
