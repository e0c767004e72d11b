import { z } from 'zod'
import type { GotoCheck } from '../../authn/goto.ts'
import type { SessionService } from '../../session/session.ts'
import { sessionOf, type Call } from './call.ts'
import { ok, problem, UNAUTHORIZED, type Reply } from './reply.ts'
import { universalId } from './session-facts.ts'

export interface UsersDeps {
  readonly sessions: Pick<SessionService, 'resolve'>
  readonly checkGoto: GotoCheck
  /** Origin of the login host. */
  readonly origin: string
}

/** `POST …/users?_action=NAME`. */
export function actOnUsers(deps: UsersDeps, call: Call): Promise<Reply> | Reply {
  switch (call.query('_action')) {
    case 'idFromSession':
      return idFromSession(deps, call)
    case 'validateGoto':
      return validateGoto(deps, call)
    default:
      return problem(400, 'the action is not supported')
  }
}

/** Who the caller is. */
async function idFromSession({ origin, sessions }: UsersDeps, call: Call): Promise<Reply> {
  const session = await sessionOf({ sessions }, call.tokens.caller)
  if (session === undefined) return UNAUTHORIZED
  const { username, realm } = session
  const fullLoginURL = `${origin}/login${realm}`
  return ok({ id: username, realm, dn: universalId(session), successURL: '/', fullLoginURL })
}

const gotoSchema = z.object({ goto: z.string().max(4_096) })

/** Where a client goes on: the address it has, where people of the realm may be sent there, else the login host's own page. */
function validateGoto({ checkGoto }: UsersDeps, { address, body }: Call): Reply {
  const read = gotoSchema.safeParse(body)
  if (!read.success) return problem(400, 'goto: write the address to be checked')
  const verdict = checkGoto(address.realm, read.data.goto)
  return ok({ successURL: verdict.kind === 'accepted' ? verdict.url : '/' })
}
