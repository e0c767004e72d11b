import type { AuthQuery } from '../session/session.ts'

/**
 * An outstanding authentication query in the shape of Ziti's `authQueryDetail`. What has no counterpart there (a passkey, a code by
 * mail) keeps the name of its module's type.
 * @see https://openziti.io/docs/learn/core-concepts/security/authentication/auth#authentication-queries
 */
export function zitiQuery({ type }: Pick<AuthQuery, 'type'>): object {
  if (type === 'externalJwt') return { typeId: 'EXT-JWT', provider: 'url' }
  if (type !== 'totp') return { typeId: type, provider: 'gatehouse' }
  const answer = {
    httpMethod: 'POST',
    httpUrl: './authenticate/mfa',
    format: 'alphaNumeric',
    minLength: 4,
    maxLength: 6,
  }
  return { typeId: 'MFA', provider: 'ziti', ...answer }
}

/** The same with what else is known of it. */
export function authQueryDetail(query: AuthQuery): object {
  const { module, or, enrols } = query
  return { ...zitiQuery(query), id: module, alternatives: or, isEnrolled: !enrols }
}
