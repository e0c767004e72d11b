import { openUnder, sealUnder } from '../../../crypto/under-secret.ts'
import { hashOfApiToken } from '../../../session/api-token.ts'
import type { Call, FullCaller, ZitiDeps } from '../call.ts'
import { PROVE_AGAIN, proveByCode } from './prove.ts'
import { dropSetUp, removeApps } from './set-up.ts'
import { ok, problem, type Problem, type Reply } from '../reply.ts'

const TYPE = 'recovery'
const NAMESPACE = 'api-recovery'
const PURPOSE = 'gatehouse recovery codes'
/** What was made is shown for this long, to the session that made it; afterwards nobody has it, as hashes are kept. */
const SHOWN_MS = 10 * 60_000

/** `POST current-identity/mfa/recovery-codes`: new ones in place of those of before. They are shown now, and for ten minutes. */
export async function makeRecoveryCodes(deps: ZitiDeps, call: Call, caller: FullCaller): Promise<Reply | Problem> {
  const proved = await proveByCode(deps, call, caller)
  if ('problem' in proved) return proved
  const { ownFactors, store } = deps
  const module = (await ownFactors.holdings(proved)).addable.find(({ type }) => type === TYPE)?.module
  if (module === undefined) return problem('NOT_FOUND', 'there are no recovery codes here')
  const page = await ownFactors.begin(proved, module)
  if (page.kind === 'prove-first') return problem('UNAUTHORIZED', PROVE_AGAIN)
  if (page.kind === 'gone') return problem('NOT_FOUND')
  const codes = page.callbacks.flatMap((each) => (each.type === 'RecoveryCodesCallback' ? each.codes : []))
  // Whoever types one shows that they have them. Ziti's clients cannot be asked to: they have what this answer gives them.
  const made = await ownFactors.finish(proved, { state: page.state, answers: [codes[0] ?? ''] }, call.origin)
  if (made.kind !== 'added') return problem('NOT_FOUND')
  const key = hashOfApiToken(caller.token)
  await store.versioned.remove(NAMESPACE, key)
  await store.versioned.create(NAMESPACE, key, sealUnder(caller.token, PURPOSE, JSON.stringify(codes)), SHOWN_MS)
  return ok({ recoveryCodes: codes })
}

/** `GET current-identity/mfa/recovery-codes` */
export async function recoveryCodes(deps: ZitiDeps, call: Call, caller: FullCaller): Promise<Reply | Problem> {
  const proved = await proveByCode(deps, call, caller)
  if ('problem' in proved) return proved
  const found = await deps.store.versioned.load(NAMESPACE, hashOfApiToken(caller.token))
  const text = found && openUnder(caller.token, PURPOSE, found.value)
  if (text === undefined) return problem('NOT_FOUND', 'codes are kept as hashes and shown only when they are made')
  return ok({ recoveryCodes: JSON.parse(text) as readonly string[] })
}

/** `DELETE current-identity/mfa` */
export async function removeMfa(deps: ZitiDeps, call: Call, caller: FullCaller): Promise<Reply | Problem> {
  if (await dropSetUp(deps, caller)) return ok({})
  const proved = await proveByCode(deps, call, caller)
  return 'problem' in proved ? proved : removeApps(deps, call, proved)
}
