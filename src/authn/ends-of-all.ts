import type { RealmName } from '../base/brand.ts'
import type { RequestOrigin, Session, SessionService } from '../session/session.ts'
import { epochKeys, realmEpochKey } from '../session/stateless-claims.ts'
import type { Epochs, Store } from '../store/store.ts'
import type { AuthModule } from './modules/module.ts'
import type { ProgramStep } from './step.ts'

/** How often all sessions of a person and of a realm were ended until now, by the counters' keys. */
export type EndsOfAll = Readonly<Record<string, number>>

export function endsUntilNow(epochs: Epochs, user: Pick<Session, 'realm' | 'userId'>): Promise<EndsOfAll> {
  return read(epochs, epochKeys(user))
}

/** Whether all were ended once more: what was proved before that opens nothing. */
export async function endedSince(epochs: Epochs, before: EndsOfAll): Promise<boolean> {
  const now = await read(epochs, Object.keys(before))
  return Object.entries(before).some(([key, count]) => now[key] !== count)
}

async function read(epochs: Epochs, keys: readonly string[]): Promise<EndsOfAll> {
  const counts = await epochs.read(keys)
  return Object.fromEntries(keys.map((key, i) => [key, counts[i] ?? 0]))
}

type Submit<Request, Context> = (request: Request, context: Context) => Promise<ProgramStep>

export interface HeedingDeps {
  readonly store: Pick<Store, 'epochs'>
  readonly sessions: Pick<SessionService, 'end'>
}

/**
 * What is proved while all sessions of the realm are being ended opens nothing either: a session that is begun then may come too late to
 * be listed and ended with them, and is ended here. Whoever ends all raises the counter first, so a session that finds it as it was is
 * listed.
 */
export function heedingEndsOfAll<
  Request extends { readonly realm: RealmName },
  Context extends { readonly origin: RequestOrigin },
>({ store, sessions }: HeedingDeps, submit: Submit<Request, Context>): Submit<Request, Context> {
  return async (request, context) => {
    const before = await read(store.epochs, [realmEpochKey(request.realm)])
    const step = await submit(request, context)
    if (!(await endedSince(store.epochs, before))) return step
    if (step.kind === 'done') await sessions.end(step.issued.session.sid, 'admin', context.origin)
    return { kind: 'expired', destination: step.destination }
  }
}

/** For the beginning of a login: as a rule it shows a page, for which the store need not be there. */
export function heedingWhereNothingIsAsked<
  Request extends { readonly realm: RealmName },
  Context extends { readonly origin: RequestOrigin },
>(
  deps: HeedingDeps & {
    readonly realms: ReadonlyMap<RealmName, { readonly modules: ReadonlyMap<string, AuthModule> }>
  },
  begin: Submit<Request, Context>,
): Submit<Request, Context> {
  const heeding = heedingEndsOfAll(deps, begin)
  return (request, context) => {
    const modules = [...(deps.realms.get(request.realm)?.modules.values() ?? [])]
    const mayPass = modules.some(({ isSilent, standIn }) => isSilent === true || standIn !== undefined)
    return mayPass ? heeding(request, context) : begin(request, context)
  }
}
