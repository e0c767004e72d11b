import { OctetString } from 'asn1js'
import { randomBytes } from 'node:crypto'
import {
  BasicOCSPResponse,
  type Certificate as Asn1Certificate,
  Extension,
  OCSPRequest,
  OCSPResponse,
  type SingleResponse,
} from 'pkijs'
import { fetchDocument, type FetchLimits } from '../../../http/fetch-document.ts'
import { readCertificate, type Certificate } from '../../../crypto/x509/certificate.ts'
import { isSignedBy, type Signed } from '../../../crypto/x509/signature.ts'
import type { Revocation } from './revocation-list.ts'

const NONCE = '1.3.6.1.5.5.7.48.1.2'
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
/** How far a responder's clock may be ahead of ours. */
const TOLERANCE_MS = 60_000
/** How long an answer holds that does not say. */
const LONGEST_AGE_MS = 3_600_000

export interface Question {
  readonly certificate: Certificate
  readonly issuer: Certificate
  readonly url: string
  readonly requireNonce: boolean
  readonly limits: FetchLimits
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Asks an OCSP responder (RFC 6960). Whatever is wrong with the answer makes it none. */
export async function askResponder(question: Question): Promise<Revocation> {
  try {
    const request = new OCSPRequest()
    const { certificate, issuer, url, limits } = question
    await request.createForCertificate(certificate.asn1, { hashAlgorithm: 'SHA-1', issuerCertificate: issuer.asn1 })
    const nonce = randomBytes(32)
    const value = new OctetString({ valueHex: nonce }).toBER()
    request.tbsRequest.requestExtensions = [new Extension({ extnID: NONCE, extnValue: value })]
    const bytes = new Uint8Array(request.toSchema(true).toBER())
    const answer = await fetchDocument(url, limits, { type: 'application/ocsp-request', bytes })
    const asked = request.tbsRequest.requestList[0]?.reqCert
    return asked === undefined
      ? 'unknown'
      : judge(answer, { ...question, isAsked: (id) => asked.isEqual(id), nonce: value })
  } catch {
    return 'unknown'
  }
}

interface Asked extends Question {
  readonly isAsked: (id: SingleResponse['certID']) => boolean
  readonly nonce: ArrayBuffer
}

function judge(answer: Buffer, asked: Asked): Revocation {
  const response = OCSPResponse.fromBER(new Uint8Array(answer))
  const bytes = response.responseBytes?.response.valueBlock.valueHexView
  if (response.responseStatus.valueBlock.valueDec !== 0 || bytes === undefined) return 'unknown'
  const basic = BasicOCSPResponse.fromBER(new Uint8Array(bytes))
  const single = basic.tbsResponseData.responses.find(({ certID }) => asked.isAsked(certID))
  if (single === undefined || !isCurrent(single, asked.now)) return 'unknown'
  if (!repeatsNonce(basic, asked) || !isByResponder(basic, asked)) return 'unknown'
  return statusIn(single)
}

/** RFC 6960 §4.2.2.1. */
function isCurrent({ thisUpdate, nextUpdate }: SingleResponse, now: number): boolean {
  const since = thisUpdate.getTime()
  const until = nextUpdate?.getTime() ?? since + LONGEST_AGE_MS
  return since <= now + TOLERANCE_MS && now < until
}

function repeatsNonce({ tbsResponseData }: BasicOCSPResponse, { nonce, requireNonce }: Asked): boolean {
  const found = tbsResponseData.responseExtensions?.find(({ extnID }) => extnID === NONCE)
  if (found === undefined) return !requireNonce
  return Buffer.from(nonce).equals(found.extnValue.valueBlock.valueHexView)
}

/** The authority itself, or whom it has appointed by a certificate for just this (RFC 6960 §4.2.2.2). */
function isByResponder(basic: BasicOCSPResponse, { issuer, now }: Asked): boolean {
  const signed: Signed = {
    oid: basic.signatureAlgorithm.algorithmId,
    tbs: basic.tbsResponseData.tbsView,
    signature: basic.signature.valueBlock.valueHexView,
  }
  if (isSignedBy(signed, issuer.key)) return true
  return (basic.certs ?? []).slice(0, 3).some((asn1: Asn1Certificate) => {
    const delegate = readCertificate(new Uint8Array(asn1.toSchema().toBER()))
    return delegate !== undefined && isAppointed(delegate, issuer, now) && isSignedBy(signed, delegate.key)
  })
}

function isAppointed(
  { purposes, signed, notBefore, notAfter, issuer: by }: Certificate,
  issuer: Certificate,
  now: number,
): boolean {
  const isForThis = purposes?.has(OCSP_SIGNING) === true
  return isForThis && by === issuer.subject && notBefore <= now && now <= notAfter && isSignedBy(signed, issuer.key)
}

/** The choice of `certStatus` by its tag: 0 good, 1 revoked, 2 unknown. */
function statusIn({ certStatus }: SingleResponse): Revocation {
  const { tagNumber } = (certStatus as { idBlock: { tagNumber: number } }).idBlock
  return tagNumber === 0 ? 'good' : tagNumber === 1 ? 'revoked' : 'unknown'
}
