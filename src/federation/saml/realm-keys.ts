import { hkdfSync, type KeyObject } from 'node:crypto'
import type { RealmName } from '../../base/brand.ts'
import { decodeBase64url } from '../../crypto/base64url.ts'
import type { RingKey } from '../../crypto/key-document.ts'
import { openKeyRing, readKeyRing, type KeyRing, type KeyRingDeps } from '../../crypto/key-ring.ts'
import type { KeyDocuments } from '../../crypto/key-maintenance.ts'
import type { KeysConfig } from '../../crypto/keys.schema.ts'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'

export const SAML_PURPOSES = ['saml-signing', 'saml-encryption'] as const
export type SamlPurpose = (typeof SAML_PURPOSES)[number]

/** A key with the certificate by which partners know it. */
export interface SamlKey {
  readonly key: KeyObject
  /** DER in Base64, as it stands in metadata. */
  readonly certificate: string
}

/** The keys of one realm. Another realm's partners have certificates of others: what one realm has signed is no word of another's. */
export interface RealmKeys {
  /** The key that signs now. Faults with GH_KEYS_UNAVAILABLE. */
  signing(): SamlKey
  /** All of a purpose that metadata has: the one in use first, those to come and, for a while, those of before. */
  all(purpose: SamlPurpose): readonly SamlKey[]
}

export interface RealmKeysDeps extends Omit<KeyRingDeps, 'rules' | 'atOnce' | 'pollMs'> {
  readonly rules: Pick<KeysConfig, 'samlPublishAhead'>
}

/** The rings of all realms that speak SAML, each opened when first wanted; they live as long as the process. */
export interface SamlKeys {
  /** Makes the first keys of a realm that has none. Rejects with GH_KEYS_UNAVAILABLE. */
  of(realm: RealmName): Promise<RealmKeys>
  close(): void
}

/** Successors come days ahead. */
const POLL_MS = 10_000
/** Partners have these keys by hand: none is replaced because time has passed. */
const NEVER = Number.MAX_SAFE_INTEGER
const YEAR = 365 * 24 * 60 * 60_000
const CERTIFICATE_LIFE_MS = 20 * YEAR
/** Partners' clocks may be behind. */
const BACKDATED_MS = 24 * 60 * 60_000

export function createSamlKeys(deps: RealmKeysDeps): SamlKeys {
  const opened = new Map<RealmName, Promise<KeyRing>>()
  const closers: (() => void)[] = []
  const open = async (realm: RealmName): Promise<KeyRing> => {
    const ring = await openKeyRing({ ...deps, ...ringOf(realm, deps), atOnce: SAML_PURPOSES, pollMs: POLL_MS })
    closers.push(() => ring.close())
    return ring
  }
  return {
    async of(realm) {
      let ring = opened.get(realm)
      if (ring === undefined) {
        opened.set(realm, (ring = open(realm)))
        ring.catch(() => opened.delete(realm))
      }
      return realmKeys(await ring, realm)
    },
    close() {
      for (const close of closers) close()
    },
  }
}

/** A realm's ring as it is in the store, for looking at it and for publishing successors. */
export function readRealmKeys(realm: RealmName, deps: RealmKeysDeps): Promise<Pick<KeyRing, 'summaries' | 'rotate'>> {
  return readKeyRing({ ...deps, ...ringOf(realm, deps) })
}

/** Its documents lie apart, under keys of their own: one that is moved to another realm does not open there. */
function ringOf(realm: RealmName, { documents, masterKey, previousMasterKeys = [], rules }: RealmKeysDeps) {
  const derived = (key: string): string =>
    Buffer.from(hkdfSync('sha256', decodeBase64url(key) ?? '', '', `gatehouse saml keys of ${realm}`, 32)).toString(
      'base64url',
    )
  return {
    documents: within(documents, `saml-keys:${realm}`),
    masterKey: derived(masterKey),
    previousMasterKeys: previousMasterKeys.map(derived),
    rules: { rotateAfter: NEVER, publishAhead: rules.samlPublishAhead, samlPublishAhead: rules.samlPublishAhead },
  }
}

function within(documents: KeyDocuments, collection: string): KeyDocuments {
  return {
    list: () => documents.list(collection),
    putIfAbsent: (_, id, value) => documents.putIfAbsent(collection, id, value),
    replace: (_, id, version, value) => documents.replace(collection, id, version, value),
    remove: (_, id) => documents.remove(collection, id),
  }
}

function realmKeys(ring: KeyRing, realm: RealmName): RealmKeys {
  const made = new Map<string, SamlKey>()
  const certified = ({ kid, key, createdAt }: RingKey): SamlKey => {
    let known = made.get(kid)
    if (known === undefined) {
      const der = selfSignedCertificate(key, {
        name: `Gatehouse SAML ${realm}`,
        notBefore: createdAt - BACKDATED_MS,
        notAfter: createdAt + CERTIFICATE_LIFE_MS,
      })
      made.set(kid, (known = { key, certificate: der.toString('base64') }))
    }
    return known
  }
  return {
    signing: () => certified(ring.current('saml-signing')),
    all: (purpose) => ring.all(purpose).map(certified),
  }
}
