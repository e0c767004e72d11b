import type { KeyObject } from 'node:crypto'
import { acceptAssertion, type Asserted } from '../saml/assertion.ts'
import { openMessage, type GatePartner } from '../saml/gate.ts'
import type { Moment } from '../saml/instant.ts'
import type { SamlRefusal } from '../saml/refusal.ts'
import { SIGNED } from '../saml-sp/assertion-consumer.ts'

/** What a site asks its provider for: with which id, and where its answer is to be found again by. */
export interface SamlWish {
  readonly id: string
  readonly relayState: string
  readonly level: number | undefined
  readonly isForced: boolean
}

export interface AnswerRules {
  /** The identity provider that was asked. */
  readonly partner: GatePartner
  /** The site's own. */
  readonly entityId: string
  /** The one address that answers go to. */
  readonly consumer: string
  /** The request that it has to be the answer to. */
  readonly requestId: string
  readonly signed: keyof typeof SIGNED
  readonly moment: Moment
  readonly decryptionKeys: readonly KeyObject[]
}

/** Judges a form's `SAMLResponse`: one of this provider, for this site, to this request. Whether it has come before is not asked. */
export function judgeAnswer(response: string, rules: AnswerRules): Asserted | SamlRefusal {
  const { partner, entityId, consumer, requestId, signed, moment, decryptionKeys } = rules
  const message = openMessage(
    { binding: 'post', field: response, relayState: undefined },
    {
      expects: 'Response',
      partner: (issuer) => (issuer === partner.entityId ? partner : undefined),
      destinations: [consumer],
      // What of the assertion is signed shows once it is open; one that refuses has none.
      signed: SIGNED[signed] === 'message' ? 'message' : 'content',
      moment,
    },
  )
  if (message.kind === 'refused') return message
  return acceptAssertion(message, {
    ...{ signed: SIGNED[signed], moment, audience: entityId, recipient: consumer, inResponseTo: requestId },
    decryptionKeys,
  })
}
