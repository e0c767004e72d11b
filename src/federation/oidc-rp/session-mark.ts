import type { Session } from '../../session/session.ts'
import { sha256 } from '../../crypto/sha256.ts'

/** The session property that says which provider a session began with. */
export const MARK = 'oidc'

/** What a session remembers of its provider. Opens nothing. */
export interface Mark {
  readonly provider: string
  /** Base64url SHA-256 of the provider's own name of its session; empty where it gave none. */
  readonly sid: string
  /** Name of the record with its tokens; empty where none are kept. */
  readonly tokens: string
}

export function markText({ provider, sid, tokens }: Mark): string {
  return [provider, sid, tokens].join(' ')
}

export function markOf({ properties }: Pick<Session, 'properties'>): Mark | undefined {
  const text = Object.hasOwn(properties, MARK) ? properties[MARK] : undefined
  if (text === undefined) return undefined
  const [provider = '', sid = '', tokens = ''] = text.split(' ')
  return { provider, sid, tokens }
}

/** As it stands in a mark. */
export function sidHash(sid: string): string {
  return sha256(JSON.stringify(['oidc-sid', sid]))
}
