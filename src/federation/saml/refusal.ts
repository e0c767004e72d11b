/** Why a message is not accepted. For the log and the audit trail: people see one page, whatever it was. */
export type SamlFault =
  /** No message of this binding: encoding, parameters, size. */
  | 'saml-encoding'
  /** No XML as messages have it: document types, comments, other markup, identifiers that stand twice. */
  | 'saml-xml'
  /** Another kind of message than is expected here, or not in the shape that the standard gives it. */
  | 'saml-shape'
  /** Nobody's whom the realm knows, or not the one who was asked. */
  | 'saml-issuer'
  | 'saml-unsigned'
  /** A signature somewhere else than over what it stands in, or in a shape that is not accepted. */
  | 'saml-signature-shape'
  /** An algorithm that is not accepted. */
  | 'saml-algorithm'
  /** Made by no key of the partner's metadata, or of something else. */
  | 'saml-signature'
  /** The partner's certificates, or all of those that fit, are not valid now. */
  | 'saml-certificate'
  | 'saml-encryption'
  | 'saml-version'
  /** Meant for another address. */
  | 'saml-destination'
  | 'saml-time'
  /** The partner says no. */
  | 'saml-status'
  | 'saml-in-response-to'
  | 'saml-audience'
  | 'saml-subject'
  | 'saml-conditions'
  /** It says nothing of how, or when, the person has signed in. */
  | 'saml-authn'
  /** It was used before. */
  | 'saml-replayed'

export interface SamlRefusal {
  readonly kind: 'refused'
  readonly reason: SamlFault
  /** What exactly, for the log. Never has a name of a person in it. */
  readonly detail: string
}

/** Thrown out of a check: nothing after it is looked at. Never leaves this folder: `gate.ts` makes it a value. */
export class Refused extends Error {
  readonly reason: SamlFault

  constructor(reason: SamlFault, detail: string) {
    super(detail)
    this.reason = reason
  }
}

export function refuse(reason: SamlFault, detail: string): never {
  throw new Refused(reason, detail)
}

/** Runs checks; what they refuse becomes a value. Anything else they throw is a fault, and stays one. */
export function judged<T>(checks: () => T): T | SamlRefusal {
  try {
    return checks()
  } catch (caught) {
    if (caught instanceof Refused) return { kind: 'refused', reason: caught.reason, detail: caught.message }
    throw caught
  }
}
