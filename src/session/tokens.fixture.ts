import type { TestContext } from 'node:test'
import { openQuickKeyRing } from '../crypto/key-ring.fixture.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import { createBearerResolver } from './bearer.ts'
import { ALICE, createMachine, established, FROM, type Process } from './processes.fixture.ts'
import type { Session, SessionDraft } from './session.ts'
import { createTokenPairs, type TokenPairs } from './token-pairs.ts'
import { tokensSchema } from './tokens.schema.ts'

export const ISSUER = 'https://login.example.com'
export const RULES = tokensSchema.parse({})

export interface TokenProcess extends Process {
  readonly keyRing: KeyRing
  readonly pairs: TokenPairs
  readonly bearer: ReturnType<typeof createBearerResolver>
  begin(draft?: Partial<SessionDraft>): Promise<Session>
}

/** Processes with keys and tokens on one store. */
export function createTokenMachine(t: TestContext) {
  const machine = createMachine(t)
  const { clock, log } = machine
  const start = async (): Promise<TokenProcess> => {
    const process = await machine.start()
    const { store, sessions } = process
    const masterKey = Buffer.alloc(32, 7).toString('base64url')
    const keyRing = await openQuickKeyRing({ documents: store.documents, masterKey, clock, log })
    const bearer = createBearerResolver({ store, keyRing, clock, issuer: ISSUER, maxCached: 100 })
    t.after(() => {
      bearer.close()
      keyRing.close()
    })
    const begin = async (draft: Partial<SessionDraft> = {}): Promise<Session> =>
      (await established(sessions.establish({ ...ALICE, maxIdleMs: RULES.refreshTTL, ...draft }, FROM))).session
    return {
      ...process,
      keyRing,
      bearer,
      begin,
      pairs: createTokenPairs({ keyRing, store, sessions, clock, issuer: ISSUER }),
    }
  }
  return { ...machine, start }
}
