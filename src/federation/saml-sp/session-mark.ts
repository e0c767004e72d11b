import { sha256 } from '../../crypto/sha256.ts'
import type { Session } from '../../session/session.ts'
import type { NameId } from '../saml/assertion.ts'

/** The session property that says which SAML provider a session began with. */
export const MARK = 'saml'

/** What a session remembers of its provider. Opens nothing, and names nobody. */
export interface Mark {
  readonly provider: string
  /** Of the name that the provider has for the person. */
  readonly name: string
  /** Of what the provider calls its session; empty where it gave nothing. */
  readonly index: string
  /** Name of the record with both, as they are. */
  readonly record: string
}

export function markText({ provider, name, index, record }: Mark): string {
  return [provider, name, index, record].join(' ')
}

export function markOf({ properties }: Pick<Session, 'properties'>): Mark | undefined {
  const text = Object.hasOwn(properties, MARK) ? properties[MARK] : undefined
  if (text === undefined) return undefined
  const [provider = '', name = '', index = '', record = ''] = text.split(' ')
  return { provider, name, index, record }
}

/** As it stands in a mark. A qualifier that is not said is the provider's, or ours, so it tells nobody apart (SAML Core 2.0 §8.3.7). */
export function nameHash({ value }: Pick<NameId, 'value'>): string {
  return sha256(JSON.stringify(['saml-name', value]))
}

/** As it stands in a mark. */
export function indexHash(sessionIndex: string): string {
  return sha256(JSON.stringify(['saml-index', sessionIndex]))
}
