import type { RealmName } from '../../base/brand.ts'
import type { Session } from '../../session/session.ts'
import type { Aside, Departure, Stop } from './departure.ts'

/** A message that a browser takes somewhere. */
export type Carried =
  | { readonly kind: 'redirect'; readonly url: string; readonly requestId?: string | undefined }
  | {
      readonly kind: 'post'
      readonly url: string
      readonly fields: readonly (readonly [name: string, value: string])[]
      readonly requestId?: string | undefined
    }

/** Whom a session is known to. */
export type KnownTo = Aside | (Pick<Stop, 'protocol' | 'partner' | 'title' | 'data'> & { readonly way: 'browser' })

/** One way in which partners know people, as far as it is about signing them out. Everything may reject, as the store does. */
export interface LogoutProtocol {
  readonly name: string
  /** Asked while the session is still there. */
  knownTo(session: Session): Promise<readonly KnownTo[]>
  /** Its browser goes there: nothing is told from here besides. Absent where nothing would be. */
  visited?(session: Session): Promise<void>
  /** What the browser takes to a stop; `undefined` where that is no partner any more. */
  request(realm: RealmName, stop: Stop): Promise<Carried | undefined>
  /** What the browser takes back to who began; `undefined` where that is no partner any more. */
  answer(departure: Departure, isComplete: boolean): Promise<Carried | undefined>
  /** Ids of those told from here that have not been yet, of a session that has ended. */
  untold(realm: RealmName, sid: string): Promise<ReadonlySet<string>>
}
