import { apiSession, endApiSession, listApiSessions } from './api-sessions.ts'
import { authenticator, authenticatorsOfIdentity, listAuthenticators } from './authenticators.ts'
import type { ApiName, Call, Caller, FullCaller, ZitiDeps } from './call.ts'
import { currentSession, endCurrentSession } from './current-session.ts'
import { authPolicy, currentIdentity, identityDetail, identityList } from './identity.ts'
import { authenticate } from './log-in.ts'
import { answerMfa } from './mfa/answer.ts'
import { makeRecoveryCodes, recoveryCodes, removeMfa } from './mfa/recovery.ts'
import type { Problem, Reply } from './reply.ts'
import {
  closeSession,
  listServices,
  listSessions,
  openSession,
  service,
  sessionNamed,
  sessionsOfApiSession,
} from './services.ts'
import { beginSetUp, mfaDetail, mfaQrCode, mfaQrText, verifySetUp } from './mfa/set-up.ts'
import { version } from './version.ts'

type Answer = Promise<Reply | Problem> | Reply | Problem

/**
 * One thing that can be asked for, and for whom it is: `full` for sessions, `partial` for those and for logins of which something is
 * outstanding.
 */
export type Operation = {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Segments; `:` stands for any one. */
  readonly path: string
  /** Where it is, if not at both. */
  readonly api?: ApiName
} & (
  | { readonly for: 'everybody'; run(deps: ZitiDeps, call: Call): Answer }
  | { readonly for: 'partial'; run(deps: ZitiDeps, call: Call, caller: Caller): Answer }
  | {
      readonly for: 'full'
      run(deps: ZitiDeps, call: Call, caller: FullCaller, ...parameters: readonly string[]): Answer
    }
)

/** Everything there is, in one place. What is `partial` are the three uses of half a login: answering, setting up, leaving. */
export const OPERATIONS: readonly Operation[] = [
  { for: 'everybody', method: 'GET', path: 'version', run: version },
  { for: 'everybody', method: 'POST', path: 'authenticate', run: authenticate },
  { for: 'partial', method: 'POST', path: 'authenticate/mfa', run: answerMfa },
  { for: 'partial', method: 'DELETE', path: 'current-api-session', run: endCurrentSession },
  { for: 'partial', method: 'GET', path: 'current-identity/mfa', run: mfaDetail },
  { for: 'partial', method: 'POST', path: 'current-identity/mfa', run: beginSetUp },
  { for: 'partial', method: 'POST', path: 'current-identity/mfa/verify', run: verifySetUp },
  { for: 'partial', method: 'GET', path: 'current-identity/mfa/qr-code', run: mfaQrCode },
  { for: 'partial', method: 'GET', path: 'current-identity/mfa/qr-text', run: mfaQrText },
  { for: 'full', method: 'DELETE', path: 'current-identity/mfa', run: removeMfa },
  { for: 'full', method: 'GET', path: 'current-identity/mfa/recovery-codes', run: recoveryCodes },
  { for: 'full', method: 'POST', path: 'current-identity/mfa/recovery-codes', run: makeRecoveryCodes },
  { for: 'full', method: 'GET', path: 'current-api-session', run: currentSession },
  { for: 'full', method: 'GET', path: 'current-identity', run: currentIdentity },
  {
    for: 'full',
    method: 'GET',
    path: 'current-identity/authenticators',
    run: (deps, call, caller) => authenticatorsOfIdentity(deps, call, caller),
  },
  { for: 'full', method: 'GET', path: 'identities/:', run: identityDetail },
  { for: 'full', method: 'GET', path: 'identities/:/authenticators', run: authenticatorsOfIdentity },
  { for: 'full', method: 'GET', path: 'identities/:/:', run: identityList },
  { for: 'full', method: 'GET', path: 'auth-policies/:', run: authPolicy },
  { for: 'full', method: 'GET', path: 'api-sessions', api: 'management', run: listApiSessions },
  { for: 'full', method: 'GET', path: 'api-sessions/:', run: apiSession },
  { for: 'full', method: 'DELETE', path: 'api-sessions/:', api: 'management', run: endApiSession },
  { for: 'full', method: 'GET', path: 'api-sessions/:/sessions', run: sessionsOfApiSession },
  { for: 'full', method: 'GET', path: 'authenticators', api: 'management', run: listAuthenticators },
  { for: 'full', method: 'GET', path: 'authenticators/:', run: authenticator },
  { for: 'full', method: 'GET', path: 'services', run: listServices },
  { for: 'full', method: 'GET', path: 'services/:', run: service },
  { for: 'full', method: 'GET', path: 'sessions', run: listSessions },
  { for: 'full', method: 'POST', path: 'sessions', api: 'client', run: openSession },
  { for: 'full', method: 'GET', path: 'sessions/:', run: sessionNamed },
  { for: 'full', method: 'DELETE', path: 'sessions/:', run: closeSession },
]

export type Lookup =
  | { readonly kind: 'found'; readonly operation: Operation; readonly parameters: readonly string[] }
  | { readonly kind: 'wrong-method'; readonly allow: string }

/** `undefined` for an address that is not there. */
export function operationAt(api: ApiName, path: string, method: string): Lookup | undefined {
  const there = OPERATIONS.flatMap((operation) => {
    const parameters = (operation.api ?? api) === api ? match(operation.path, path) : undefined
    return parameters === undefined ? [] : [{ operation, parameters }]
  })
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = there.find(({ operation }) => operation.method === wanted)
  if (found !== undefined) return { kind: 'found', ...found }
  const allow = [...new Set(there.map(({ operation }) => operation.method))].join(', ')
  return there.length === 0 ? undefined : { kind: 'wrong-method', allow }
}

const LONGEST_PARAMETER = 256

function match(pattern: string, path: string): readonly string[] | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  if (wanted.length !== given.length) return undefined
  const parameters: string[] = []
  for (const [i, segment] of wanted.entries()) {
    const value = given[i] ?? ''
    if (segment !== ':') {
      if (segment !== value) return undefined
      continue
    }
    const decoded = decode(value)
    if (decoded === undefined || decoded === '' || decoded.length > LONGEST_PARAMETER) return undefined
    parameters.push(decoded)
  }
  return parameters
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
