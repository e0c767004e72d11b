import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptAssertion, type AssertionRules } from './assertion.ts'
import { openMessage, type GateRules } from './gate.ts'
import {
  ACS,
  assertionXml,
  field,
  IDP,
  newSigner,
  NOW,
  responseXml,
  signedAssertion,
  signedResponse,
  SP,
  wholeSigned,
} from './partner.fixture.ts'

const signer = newSigner()
const moment = { now: NOW, skewMs: 0 }
const partner = { entityId: IDP, keys: [signer.partnerKey] }
const gateRules: GateRules = {
  expects: 'Response',
  partner: (issuer) => (issuer === IDP ? partner : undefined),
  destinations: [ACS],
  signed: 'any',
  moment,
}
const rules: AssertionRules = {
  signed: 'any',
  moment,
  audience: SP,
  recipient: ACS,
  inResponseTo: '_request',
  decryptionKeys: [],
}

/** The name that a Response proves, or why it proves none. */
function outcome(xml: string, more: Partial<AssertionRules> = {}): string {
  const own = { ...rules, ...more }
  const opened = openMessage({ binding: 'post', field: field(xml), relayState: undefined }, { ...gateRules, ...own })
  const asserted = opened.kind === 'refused' ? opened : acceptAssertion(opened, own)
  return asserted.kind === 'refused' ? `${asserted.reason}: ${asserted.detail}` : asserted.nameId.value
}

describe('the gate', () => {
  it('lets through what a partner has signed: the assertion, the message, or both', () => {
    assert.equal(outcome(signedResponse(signer)), 'alice')
    assert.equal(outcome(wholeSigned(signer)), 'alice')
    assert.equal(outcome(wholeSigned(signer, signedResponse(signer)), { signed: 'both' }), 'alice')
  })

  it('refuses what nobody has signed, or another', () => {
    assert.match(outcome(responseXml(assertionXml())), /^saml-unsigned/)
    assert.match(outcome(wholeSigned(newSigner())), /^saml-signature:/)
    assert.match(outcome(wholeSigned(signer).replace('>alice<', '>admin<')), /^saml-signature:/)
  })

  it('signature wrapping: reads nothing but what is signed', () => {
    const evil = assertionXml({ name: 'admin', assertionId: '_evil' })
    assert.match(outcome(responseXml(evil + signedAssertion(signer))), /^saml-shape/)
  })
})
