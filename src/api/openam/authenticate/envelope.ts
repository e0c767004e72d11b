import type { Sealer } from '../../../crypto/seal.ts'
import type { Expected } from './answers.ts'

/** What travels with a login of a program: its own handle, and what may come back. */
export interface Envelope {
  readonly authId: string
  readonly expected: readonly (Expected | null)[]
  /** `gotoOnFail`, checked. */
  readonly failureUrl: string | undefined
  /** `noSession=true`. */
  readonly noSession: boolean
}

/** Tells it from what else is sealed for the purpose of logins: a page's authId opens nothing here, and this one no page. */
const KIND = 'openam'

/** The handle in it ends sooner: so one that is too old is told from one that was made up. Milliseconds. */
const LIFE_MS = 86_400_000

/** Characters of an authId that are looked at. */
const LONGEST = 14_000

export function sealEnvelope(sealer: Pick<Sealer, 'seal'>, envelope: Envelope): string {
  return sealer.seal('journey', [KIND, JSON.stringify(envelope)], LIFE_MS)
}

/** `undefined` for a text that is none of ours. */
export function openEnvelope(sealer: Pick<Sealer, 'open'>, text: string): Envelope | undefined {
  const opened = text.length > LONGEST ? undefined : sealer.open('journey', text)
  if (!Array.isArray(opened)) return undefined
  const [kind, envelope] = opened as readonly unknown[]
  return kind === KIND && typeof envelope === 'string' ? (JSON.parse(envelope) as Envelope) : undefined
}
