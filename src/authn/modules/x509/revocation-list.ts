import { CertificateRevocationList } from 'pkijs'
import type { Clock } from '../../../base/clock.ts'
import { fetchDocument, type FetchLimits } from '../../../http/fetch-document.ts'
import { hex, type Certificate } from '../../../crypto/x509/certificate.ts'
import { allows } from './path.ts'
import { isSignedBy, type Signed } from '../../../crypto/x509/signature.ts'

/** A CRL (RFC 5280 §5), read and not yet checked. */
interface RevocationList {
  readonly issuer: string
  readonly signed: Signed
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly serials: ReadonlySet<string>
}

/** Extensions of a list that say nothing of what it covers. */
const HARMLESS: ReadonlySet<string> = new Set(['2.5.29.20', '2.5.29.35', '2.5.29.46', '1.3.6.1.5.5.7.1.1'])
/** An address that fails is left alone for this long. */
const COOL_DOWN_MS = 10_000
/** Authorities publish early what they revoke. And what somebody on the way has put in a list's place must not stay until it says. */
const READ_AGAIN_MS = 3_600_000

export type Revocation = 'good' | 'revoked' | 'unknown'

export interface RevocationLists {
  statusOf(certificate: Certificate, issuer: Certificate): Promise<Revocation>
}

export interface RevocationListsDeps {
  readonly clock: Clock
  readonly limits: FetchLimits
}

/** Lists of the configuration, and of its addresses: those are fetched when they are needed, again after an hour or their `nextUpdate`. */
export function createRevocationLists(
  texts: readonly string[],
  urls: readonly string[],
  { clock, limits }: RevocationListsDeps,
): RevocationLists {
  const fixed = texts.flatMap(pemBlocks).map(readList)
  const fetched = urls.map((url) => createFetched(url, { clock, limits }))
  return {
    async statusOf(certificate, issuer) {
      const lists = [...fixed, ...(await Promise.all(fetched.map((fetch) => fetch())))]
      const valid = lists.filter((list) => list !== undefined && holds(list, issuer, clock()))
      if (valid.some((list) => list?.serials.has(certificate.serial))) return 'revoked'
      return valid.length > 0 ? 'good' : 'unknown'
    },
  }
}

/** By whoever issued the certificate, of now, and signed by the same key. */
function holds(
  { issuer: by, signed, thisUpdate, nextUpdate }: RevocationList,
  issuer: Certificate,
  now: number,
): boolean {
  const isCurrent = thisUpdate <= now && now < nextUpdate
  return by === issuer.subject && isCurrent && allows(issuer.keyUsage, 'cRLSign') && isSignedBy(signed, issuer.key)
}

function createFetched(url: string, { clock, limits }: RevocationListsDeps): () => Promise<RevocationList | undefined> {
  let current: RevocationList | undefined
  let readAt = -Infinity
  let triedAt = -Infinity
  let running: Promise<void> | undefined
  const load = async (): Promise<void> => {
    triedAt = clock()
    try {
      current = readList(await fetchDocument(url, limits))
      readAt = triedAt
    } catch {
      // The old one stays; once it no longer holds it says nothing, and the certificate's status is unknown.
    }
  }
  return async () => {
    const isCurrent = current !== undefined && clock() < Math.min(current.nextUpdate, readAt + READ_AGAIN_MS)
    if (!isCurrent && (running !== undefined || clock() - triedAt >= COOL_DOWN_MS)) {
      running ??= load().finally(() => (running = undefined))
      await running
    }
    return current
  }
}

function pemBlocks(text: string): readonly Buffer[] {
  const blocks = text.matchAll(/-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g)
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}

/** A list for some certificates only, or of what has changed (RFC 5280 §5.2.4, §5.2.5), could not say that one is good: it throws. */
function readList(bytes: Buffer): RevocationList {
  const [pem] = bytes.subarray(0, 10).toString('latin1').startsWith('-----') ? pemBlocks(bytes.toString('latin1')) : []
  const list = CertificateRevocationList.fromBER(new Uint8Array(pem ?? bytes))
  const unknown = list.crlExtensions?.extensions.find(({ extnID }) => !HARMLESS.has(extnID))
  if (unknown !== undefined)
    throw new Error(`a revocation list has the extension ${unknown.extnID}, which is not understood`)
  if (list.nextUpdate === undefined) throw new Error('a revocation list does not say until when it holds')
  return {
    issuer: hex(new Uint8Array(list.issuer.valueBeforeDecode)),
    signed: {
      oid: list.signatureAlgorithm.algorithmId,
      tbs: list.tbsView,
      signature: list.signatureValue.valueBlock.valueHexView,
    },
    thisUpdate: list.thisUpdate.value.getTime(),
    nextUpdate: list.nextUpdate.value.getTime(),
    serials: new Set(
      list.revokedCertificates?.map(({ userCertificate }) => hex(userCertificate.valueBlock.valueHexView)),
    ),
  }
}
