import { z } from 'zod'
import type { ZitiDeps, Call } from '../call.ts'

/** In the body, or, where Ziti's clients send none, in a header of its own. */
const body = z.object({ code: z.string().min(1).max(64) })

/** The code that a request brings; `undefined` where there is none. */
export function codeIn(call: Call): string | undefined {
  const parsed = body.safeParse(call.body)
  if (parsed.success) return parsed.data.code
  const header = call.header('mfa-validation-code')
  return header === undefined || header === '' || header.length > 64 ? undefined : header
}

/** Longer than what an app shows or a message brings: one of the codes on paper. */
function isRecoveryCode(code: string): boolean {
  return code.replaceAll(/[\s-]/g, '').length > 10
}

/** Which of these modules a code is for; `undefined` where it is for none of them. The first is the one that asks. */
export function moduleFor(
  { realmAuthn }: Pick<ZitiDeps, 'realmAuthn'>,
  code: string,
  names: readonly string[],
): string | undefined {
  const isRecovery = (name: string): boolean => realmAuthn.modules.get(name)?.type === 'recovery'
  return names.find((name) => isRecovery(name) === isRecoveryCode(code))
}
