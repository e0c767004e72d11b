import { sendJson } from '../http/respond.ts'
import type { Api } from './ports.ts'

/**
 * `/.well-known/webauthn`: the sites in whose pages the login host's keys are good, though their names are not below its own (WebAuthn Level
 * 3 §5.11). Not there where the configuration names none.
 */
export function createRelatedOrigins(origins: readonly string[]): Api {
  return ({ url, method }, response) => {
    const isAsked = url === '/.well-known/webauthn' && (method === 'GET' || method === 'HEAD')
    if (!isAsked || origins.length === 0) return false
    sendJson(response, { status: 200, body: { origins } })
    return true
  }
}
