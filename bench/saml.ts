import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { acceptAssertion } from '../src/federation/saml/assertion.ts'
import { encryptedFor } from '../src/federation/saml/encrypted.fixture.ts'
import { openMessage } from '../src/federation/saml/gate.ts'
import {
  ACS,
  field,
  IDP,
  newSigner,
  responseXml,
  said,
  signedAssertion,
  signedResponse,
  SP,
  wholeSigned,
} from '../src/federation/saml/partner.fixture.ts'
import { wrapped } from '../src/federation/saml/wrapping.fixture.ts'
import { median } from './statistics.ts'

export interface SamlRow {
  readonly name: string
  /** Milliseconds of processor time for one answer, median of the rounds. */
  readonly cpuMs: number
  readonly worstRoundMs: number
}

const EACH = 100

/** What judging an answer of an identity provider takes, and beside it what node-saml takes for the same. */
export async function measureSaml(rounds: number): Promise<readonly SamlRow[]> {
  const [signer, ours] = [newSigner(), newSigner()]
  const all = said()
  const signed = signedResponse(signer, all)
  const forms = {
    'the assertion is signed': signed,
    'all of it is signed': wholeSigned(signer, responseXml(signedAssertion(signer, all), all), all.responseId),
    'the assertion is encrypted': responseXml(
      encryptedFor(ours.partnerKey.key, signedAssertion(signer, all), { wrap: 'EncryptedAssertion' }),
      all,
    ),
    'wrapped: refused': wrapped(signed, 'admin').find(([name]) => name.includes('Advice'))?.[1] ?? '',
    'changed: refused': signed.replace('alice@', 'admin@'),
  }
  const judge = (message: string): string => {
    const moment = { now: Date.now(), skewMs: 60_000 }
    const rules = { expects: 'Response', destinations: [ACS], signed: 'any', moment } as const
    const partner = { entityId: IDP, keys: [signer.partnerKey] }
    const opened = openMessage(
      { binding: 'post', field: message, relayState: undefined },
      { ...rules, partner: () => partner },
    )
    if (opened.kind === 'refused') return opened.reason
    const more = { audience: SP, recipient: ACS, inResponseTo: all.inResponseTo, decryptionKeys: [ours.key] }
    const asserted = acceptAssertion(opened, { ...rules, ...more })
    return asserted.kind === 'refused' ? asserted.reason : asserted.nameId.value
  }
  const peer = new SAML({
    ...{ issuer: SP, callbackUrl: ACS, audience: SP, idpCert: signer.certificate, idpIssuer: IDP },
    ...{ entryPoint: 'https://idp.example/sso', wantAuthnResponseSigned: false, acceptedClockSkewMs: 60_000 },
    validateInResponseTo: ValidateInResponseTo.never,
  })
  const rows: SamlRow[] = []
  for (const [name, xml] of Object.entries(forms)) {
    const message = field(xml)
    const outcome = judge(message)
    if ((outcome === 'alice') === name.includes('refused')) throw new Error(`${name}: ${outcome}`)
    rows.push(await row(`${name} (gate)`, rounds, () => Promise.resolve(judge(message))))
  }
  const message = field(signed)
  rows.push(
    await row('the assertion is signed (node-saml)', rounds, () =>
      peer.validatePostResponseAsync({ SAMLResponse: message }),
    ),
  )
  return rows
}

async function row(name: string, rounds: number, once: () => Promise<unknown>): Promise<SamlRow> {
  const figures: number[] = []
  // The first round is the compiler's.
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage()
    for (let count = 0; count < EACH; count++) await once()
    const { user, system } = process.cpuUsage(before)
    if (round > 0) figures.push((user + system) / 1_000 / EACH)
  }
  return { name, cpuMs: median(figures), worstRoundMs: Math.max(...figures) }
}
