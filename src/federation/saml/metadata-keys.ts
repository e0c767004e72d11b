import type { XmlElement } from '../../http/xml.ts'
import { childrenOf } from './document.ts'
import type { Problems } from './metadata-problems.ts'
import { NS } from './names.ts'
import { readPartnerKey, type PartnerKey } from './partner-keys.ts'

export interface EncryptionKey extends PartnerKey {
  /** What the partner can decrypt, by algorithm; empty where it does not say. */
  readonly methods: readonly string[]
}

export interface RoleKeys {
  /** All of them count: a partner that replaces its key has two for a while. */
  readonly signing: readonly PartnerKey[]
  /** The first that is valid is used. */
  readonly encryption: readonly EncryptionKey[]
}

/** The certificates of a role, by use; one without a use is for both (SAML Metadata 2.0 §2.4.1.1). */
export function keysIn(role: XmlElement, problems: Problems): RoleKeys {
  const signing: PartnerKey[] = []
  const encryption: EncryptionKey[] = []
  for (const descriptor of childrenOf(role, NS.metadata, 'KeyDescriptor')) {
    const use = descriptor.attributes.get('use')
    // What is for something else, however it is spelt, must not come to vouch for messages.
    if (use !== undefined && use !== 'signing' && use !== 'encryption')
      problems.note(descriptor, 'the use of a key is neither signing nor encryption')
    const methods = childrenOf(descriptor, NS.metadata, 'EncryptionMethod').flatMap(
      ({ attributes }) => attributes.get('Algorithm') ?? [],
    )
    for (const element of certificatesIn(descriptor)) {
      const read = readPartnerKey(element.text)
      if (typeof read === 'string') {
        problems.note(element, `a certificate is not usable: ${read}`)
        continue
      }
      if (use !== 'encryption') signing.push(read)
      // Assertions are encrypted for RSA keys; others sign.
      if (use !== 'signing' && read.key.asymmetricKeyType === 'rsa') encryption.push({ ...read, methods })
    }
  }
  return { signing, encryption }
}

/** The first of each chain: it has the key, those after it say who vouches for it. */
function certificatesIn(descriptor: XmlElement): readonly XmlElement[] {
  return childrenOf(descriptor, NS.signature, 'KeyInfo')
    .flatMap((info) => childrenOf(info, NS.signature, 'X509Data'))
    .flatMap((data) => childrenOf(data, NS.signature, 'X509Certificate').slice(0, 1))
}
