import type { Clock } from '../../base/clock.ts'
import type { JsonValue, Sealer } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { COMPARISONS, type AuthnRequest } from './authn-request.ts'

/** A request while its person signs in. Checked when it came in, and sealed: the store has nothing of it before somebody is signed in. */
export interface Pending {
  /** Id of the partner, in the configuration. */
  readonly partner: string
  /** `undefined` for a login that was begun here. */
  readonly requestId: string | undefined
  /** Names the address that the answer goes to, which is read from the metadata again. */
  readonly consumer: string
  readonly relayState: string | undefined
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly nameIdFormat: string | undefined
  readonly mayCreate: boolean
  readonly contexts: AuthnRequest['contexts']
  readonly subject: AuthnRequest['subject']
  /** When it came in; milliseconds since the epoch. */
  readonly at: number
  /** How often the person was sent to sign in. */
  readonly trips: number
}

/** As long as a login may take. */
export const PENDING_MS = 60 * 60_000
/** What may stand in a goto, less what else does. */
const LONGEST = 1_800

export interface PendingSeal {
  /** `undefined` for one that has too much in it to be kept. */
  close(pending: Pending): string | undefined
  open(text: string): Pending | undefined
}

export function consumerName(location: string): string {
  return sha256(location).slice(0, 16)
}

/** In another realm it opens nothing. */
export function createPendingSeal(realm: string, sealer: Sealer, clock: Clock): PendingSeal {
  return {
    close(pending) {
      const { contexts, subject, ...p } = pending
      const packed: JsonValue = [
        ...[realm, p.partner, p.requestId ?? null, p.consumer, p.relayState ?? null],
        ...[p.forceAuthn, p.isPassive, p.nameIdFormat ?? null, p.mayCreate, p.at, p.trips],
        contexts === undefined ? null : [COMPARISONS.indexOf(contexts.comparison), ...contexts.classes],
        subject === undefined ? null : [subject.value, subject.format ?? null],
      ]
      const text = sealer.seal('saml-request', packed, PENDING_MS)
      return text.length > LONGEST ? undefined : text
    },
    open(text) {
      const packed = sealer.open('saml-request', text)
      if (!isPacked(packed) || packed[0] !== realm) return undefined
      const pending = unpacked(packed)
      // However often it was sealed anew: its id is remembered for as long.
      return clock() < pending.at + PENDING_MS ? pending : undefined
    },
  }
}

type Maybe = string | null
/** What `close` has packed: nobody else has the key. */
type Packed = readonly [
  realm: string,
  partner: string,
  requestId: Maybe,
  consumer: string,
  relayState: Maybe,
  forceAuthn: boolean,
  isPassive: boolean,
  nameIdFormat: Maybe,
  mayCreate: boolean,
  at: number,
  trips: number,
  contexts: readonly [number, ...string[]] | null,
  subject: readonly [string, Maybe] | null,
]

function namesIn([, ...names]: readonly [number, ...string[]]): readonly string[] {
  return names
}

/** Nothing else is sealed for this purpose. */
function isPacked(value: unknown): value is Packed {
  return Array.isArray(value) && value.length === 13
}

function unpacked(packed: Packed): Pending {
  const [, partner, requestId, consumer, relayState, forceAuthn, isPassive, nameIdFormat, mayCreate, at, trips] = packed
  const [contexts, subject] = [packed[11], packed[12]]
  return {
    ...{ partner, consumer, forceAuthn, isPassive, mayCreate, at, trips },
    requestId: requestId ?? undefined,
    relayState: relayState ?? undefined,
    nameIdFormat: nameIdFormat ?? undefined,
    contexts:
      contexts === null ? undefined : { comparison: COMPARISONS[contexts[0]] ?? 'exact', classes: namesIn(contexts) },
    subject: subject === null ? undefined : { value: subject[0], format: subject[1] ?? undefined },
  }
}
