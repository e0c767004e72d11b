import { createHmac } from 'node:crypto'
import type { ClientsFile, OidcClientConfig } from './clients.schema.ts'

/** What a client knows a person by (`sub`). */
export type SubjectOf = (clientId: string, userId: string) => string

/**
 * Their id, or, for a client that is to share nobody with others, a name that only clients of its sector know them by (OIDC Core 1.0 §8.1).
 * Nobody finds the id by it without the salt.
 */
export function createSubjects(
  { pairwiseSalt = '' }: Pick<ClientsFile, 'pairwiseSalt'>,
  clientOf: (id: string) => OidcClientConfig | undefined,
): SubjectOf {
  return (clientId, userId) => {
    const client = clientOf(clientId)
    if (client?.subject !== 'pairwise') return userId
    const sector = client.sector ?? new URL(client.redirectUris[0] ?? '').host
    return createHmac('sha256', pairwiseSalt).update(`${sector}\0${userId}`).digest('base64url')
  }
}
