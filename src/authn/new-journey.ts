import { randomName } from '../base/random-id.ts'
import type { RealmName } from '../base/brand.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { Session } from '../session/session.ts'
import type { Approval } from '../session/transactions.ts'
import type { ChainChoice } from './choose-chain.ts'
import type { LoginDemand, Standing } from './demand.ts'
import type { Journey } from './journey.ts'
import type { Destination } from './step.ts'

/** What a login begins with. */
export interface Start {
  readonly demand: LoginDemand
  readonly destination: Destination
  /** The session that the login strengthens. */
  readonly current: Session | undefined
  /** As what that session counts when the chain is chosen. */
  readonly counted: Standing | undefined
  readonly approval?: Approval
  /** It ends in a proof, and no session begins or changes. */
  readonly withoutSession?: true | undefined
}

export interface NewJourney extends Start {
  readonly realm: RealmName
  readonly choice: ChainChoice
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The session that the browser has, of whatever realm. */
  readonly session: Session | undefined
  /** What was typed in the try before. */
  readonly typedName: string | undefined
}

export function newJourney({
  realm,
  demand,
  destination,
  current,
  approval,
  withoutSession,
  ...start
}: NewJourney): Journey {
  const { choice, now, session, typedName } = start
  return {
    ...standingOf(current, demand),
    id: randomName(),
    realm,
    demand,
    ...(approval === undefined ? {} : { approval }),
    ...(withoutSession === undefined ? {} : { withoutSession }),
    destination,
    sid: session?.sid,
    startedAt: now,
    chain: choice.chain,
    results: choice.carried,
    typedName: typedName ?? demand.username ?? knownName(realm, session),
    state: undefined,
  }
}

/** Not what people without proof are called. */
function knownName(realm: RealmName, session: Session | undefined): string | undefined {
  return session?.realm !== realm || isAnonymous(session) ? undefined : session.username
}

/** What a session stands for in a login that strengthens it: its user, and what they have proved, unless all is wanted again. */
function standingOf(
  session: Session | undefined,
  { force }: LoginDemand,
): Pick<Journey, 'subject' | 'proof' | 'provenAt'> {
  if (session === undefined) return { proof: undefined }
  const { userId, username, authLevel, authModules, authInstant } = session
  const subject = { userId, username }
  if (force) return { subject, proof: undefined }
  return { subject, proof: { ...subject, authLevel, modules: authModules, properties: {} }, provenAt: authInstant }
}
