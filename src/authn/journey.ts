import { timingSafeEqual } from 'node:crypto'
import type { RealmName } from '../base/brand.ts'
import type { JsonValue, Sealer } from '../crypto/seal.ts'
import type { Session } from '../session/session.ts'
import type { Approval } from '../session/transactions.ts'
import type { ChainResults } from './chain.ts'
import type { LoginDemand } from './demand.ts'
import type { EndsOfAll } from './ends-of-all.ts'
import type { UsedStandIn } from './modules/stand-in.ts'
import type { AuthId, Destination } from './step.ts'

/** Who the modules passed so far proved it is. */
export interface Proof {
  readonly userId: string
  readonly username: string
  readonly authLevel: number
  readonly modules: readonly string[]
  /** Highest level that this login itself has proved: what was carried over from a session does not count. */
  readonly newLevel?: number
  /** The person has done something in this login: typed, touched, confirmed. Else it makes no session young. */
  readonly acted?: true
  readonly properties: Readonly<Record<string, string>>
  /** Of the password that was proved in this login. */
  readonly stamp?: string | undefined
  /** When the oldest of it was proved, where another than us was told; milliseconds since the epoch. */
  readonly since?: number
  /** The session ends then at the latest, milliseconds since the epoch. */
  readonly endsAt?: number
}

/** One login in progress. Plain data: it is sealed into the authId, or kept in the store. */
export interface Journey {
  /** Works once: the first correct credential spends it. */
  readonly id: string
  readonly realm: RealmName
  readonly demand: LoginDemand
  /** The request that is approved when the login ends. */
  readonly approval?: Approval
  readonly destination: Destination
  /** The session that this browser had when the login began. */
  readonly sid: string | undefined
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly chain: string
  readonly results: ChainResults
  readonly proof: Proof | undefined
  /** Whose session this login strengthens: nobody else may finish it. */
  readonly subject?: { readonly userId: string; readonly username: string } | undefined
  /** When something was last proved, in this login or in the session that it strengthens. Milliseconds since the epoch. */
  readonly provenAt?: number | undefined
  /** Who asked last; answers are for it alone. */
  readonly turn?:
    | {
        readonly module: string
        readonly enrols: boolean
        readonly beside?: string | undefined
        /** Where the answer stands that has this browser remembered. */
        readonly box?: number
      }
    | undefined
  /** Which of several modules that would do the person wants to use. */
  readonly chosen?: string | undefined
  /** What stood in for a factor, by which module; `isSpent` once its secret is used up. */
  readonly standIn?: UsedStandIn & { readonly module: string; readonly isSpent?: true }
  /** The browser is to be remembered, by this module; `at`: when the factor was proved. */
  readonly remember?: { readonly module: string; readonly at: number }
  /** The module whose enrolment is offered before the login ends. */
  readonly offer?: string | undefined
  /** What was typed as the name in this login or the try before it, to be offered again. Proven by nobody. */
  readonly typedName: string | undefined
  /** What the module that asks wants back. */
  readonly state: JsonValue | undefined
  /** How often all sessions were ended until something was proved. Only in the store. */
  readonly ends?: EndsOfAll
  /** Its partial session, where it strengthens none that is whole. Only in the store. */
  readonly partial?: string | undefined
  /** It ends in a proof, and no session begins or changes. */
  readonly withoutSession?: true | undefined
  /** The proof is complete and waits for one of the person's other sessions to end. Only in the store. */
  readonly waitsForRoom?: true
}

/** What an authId says once it is opened. */
export type Handle =
  /** Nobody has proven anything yet: everything is in the authId and nothing in the store (a guess costs the store no record). */
  | { readonly kind: 'sealed'; readonly binding: string; readonly journey: Journey }
  /** Something is proven: the journey is in the store, and this is the page of one version of it. */
  | {
      readonly kind: 'stored'
      readonly binding: string
      readonly id: string
      readonly version: number
      readonly realm: RealmName
      readonly destination: Destination
    }

export type StoredHandle = Extract<Handle, { readonly kind: 'stored' }>

/** Bound into the sealed text: a process of another release starts the login again instead of misreading it. */
const FORMAT = 1

const PURPOSE = 'journey'

/**
 * As long for a login in which something was proved as for one in which nothing was: `asked` has what both have in common, and what
 * else they hold fits into the padding. Else the length would tell who guesses passwords which one was right.
 */
export function sealHandle(
  sealer: Pick<Sealer, 'seal'>,
  handle: Handle,
  { ttlMs, asked }: { readonly ttlMs: number; readonly asked?: Pick<Journey, 'demand' | 'destination' | 'typedName'> },
): AuthId {
  const common = asked === undefined ? 0 : sealedLength([asked.demand, asked.destination, asked.typedName])
  const own = sealedLength(handle) - common
  const padding = ' '.repeat(Math.max(1, Math.ceil(own / PADDING)) * PADDING - own)
  return sealer.seal(PURPOSE, [FORMAT, encode(handle), padding], ttlMs)
}

/** Bytes of the value as text in a text, where each quote takes two. */
function sealedLength(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value)))
}

/** Bytes. */
const PADDING = 1_024

/**
 * `undefined` for an authId that is forged, too old, or of another browser: one that somebody planted in this browser must
 * not sign it in as them (login cross-site request forgery). `binding`: base64url SHA-256 of the browser's own cookie.
 */
export function openHandle(sealer: Pick<Sealer, 'open'>, authId: AuthId, binding: string): Handle | undefined {
  const opened = sealer.open(PURPOSE, authId)
  if (!Array.isArray(opened)) return undefined
  const [format, text] = opened as readonly JsonValue[]
  if (format !== FORMAT || typeof text !== 'string') return undefined
  const handle = JSON.parse(text) as Handle
  return sameText(handle.binding, binding) ? handle : undefined
}

export function encodeJourney(journey: Journey): string {
  return encode(journey)
}

/** The text was written by `encodeJourney`; the store gives back what it was given. */
export function decodeJourney(text: string): Journey {
  return JSON.parse(text) as Journey
}

function encode(value: Journey | Handle): string {
  return JSON.stringify(value)
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && a.length > 0 && timingSafeEqual(a, b)
}

/** A login belongs to the session it began beside. While nothing is proved, one that has ended meanwhile leaves nothing to mix up. */
export function sessionChanged({ sid }: Journey, session: Session | undefined): boolean {
  return session !== undefined && session.sid !== sid
}
