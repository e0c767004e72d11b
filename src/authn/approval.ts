import { parseRequirement, type Requirement } from '../policy/transaction-advice.ts'
import type { Session } from '../session/session.ts'
import type { Approval, Transactions } from '../session/transactions.ts'
import type { LoginDemand, Standing } from './demand.ts'
import type { Proof } from './journey.ts'
import type { RealmAuthn } from './realm-authn.ts'

/** An approval that a login asks for, as the store has it: the address of the page only names it. */
export interface AskedApproval {
  readonly approval: Approval
  readonly demand: LoginDemand
  /** The session as far as it counts: what the approval takes is always proved anew. */
  readonly standing: Standing
}

/**
 * `undefined` where nothing of that name waits for this session: unknown, too old, given already, of somebody else, or asked for by
 * a policy that this release cannot read. Rejects with GH_STORE_UNAVAILABLE.
 */
export async function askedApproval(
  transactions: Pick<Transactions, 'find'>,
  realm: RealmAuthn,
  { id, session }: { readonly id: string; readonly session: Session | undefined },
): Promise<AskedApproval | undefined> {
  const found = await transactions.find(id)
  if (found === undefined || session?.sid !== found.sid || found.realm !== realm.realm) return undefined
  const requirements = found.requirements.map(parseRequirement)
  if (!requirements.every((requirement) => requirement !== undefined)) return undefined
  const { sid, agent, method, path } = found
  const demand = demandOf(id, requirements)
  return { approval: { id, sid, agent, method, path }, demand, standing: uncounted(realm, session, demand) }
}

function demandOf(id: string, requirements: readonly Requirement[]): LoginDemand {
  const named = (strategy: Requirement['strategy']): readonly string[] =>
    requirements.filter((each) => each.strategy === strategy).map(({ specifier }) => specifier)
  const levels = named('AuthLevel').map(Number)
  const modules = named('AuthScheme')
  const [chain] = named('AuthenticateToService')
  return {
    transaction: id,
    level: levels.length === 0 ? undefined : Math.max(...levels),
    modules: modules.length === 0 ? undefined : modules,
    chain,
    // A whole chain is run as a whole.
    force: chain !== undefined,
    maxAgeMs: 0,
  }
}

/** Neither a module that the approval names nor one of the level that it takes is carried over, and no level is had already. */
function uncounted({ modules }: RealmAuthn, session: Session, { level = Infinity, modules: wanted = [] }: LoginDemand) {
  const authModules = session.authModules.filter(
    (name) => !wanted.includes(name) && (modules.get(name)?.authLevel ?? 0) < level,
  )
  return { ...session, authLevel: 0, authModules }
}

/**
 * Gives the approval that a finished login is for; what the audit log says of it, or `undefined` where there was none to give. To be called
 * before the session's new token is issued: the other way round, a store that fails in between would have taken the session from
 * its browser. An approval that comes too late is none, and the gateway asks again.
 */
export async function giveApproval(
  transactions: Pick<Transactions, 'approve'>,
  {
    approval,
    proof,
    session,
  }: { readonly approval: Approval | undefined; readonly proof: Proof; readonly session: Session | undefined },
): Promise<GivenApproval | undefined> {
  if (approval === undefined || session?.sid !== approval.sid || session.userId !== proof.userId) return undefined
  // What a request brings by itself approves nothing.
  if (proof.acted !== true) return undefined
  if (!(await transactions.approve(approval.id, session))) return undefined
  const { id: transaction, sid, agent, method, path } = approval
  return { username: proof.username, sid, agent, method, path, transaction }
}

type GivenApproval = Omit<Approval, 'id'> & { readonly username: string; readonly transaction: string }
