import type { Session } from '../../session/session.ts'
import type { KeptMarks } from '../logout/kept-marks.ts'
import { MARK, markOf } from '../saml-sp/session-mark.ts'
import { soapOf } from './endpoints.ts'
import type { RealmLogoutDeps } from './logout-deps.ts'
import { tell } from './soap.ts'

/** Signing out at the SAML providers of one realm without a browser (Profiles §4.4.3.1, by SOAP). */
export interface SamlProviderEnd {
  /** A session has ended that began with this mark. Rejects where its provider could not be told, and has an address for it. */
  ended(mark: string, isTold: boolean): Promise<void>
  /** Names of the providers of a session that has ended which have not been told yet. */
  untold(sid: string): Promise<ReadonlySet<string>>
  /** A partner ends the session: where it is the provider as well, it knows. */
  endedBy(entityId: string, sid: string): Promise<void>
  /** The session's browser signs out there. */
  visited(session: Session): Promise<void>
}

export function createSamlProviderEnd(
  deps: RealmLogoutDeps,
  marks: Pick<KeptMarks, 'of' | 'visited'>,
): SamlProviderEnd {
  const { peers } = deps
  return {
    async ended(mark, isTold) {
      const session = { properties: { [MARK]: mark } }
      const found = isTold ? undefined : await peers.providerOf(session)
      if (found !== undefined && soapOf(found.peer) !== undefined) {
        const { nameId, sessionIndex } = found.named
        // Who is signed in here by the same session there once more stays: it would end that as well, and tell us so.
        const others = await peers.sessionsOf(found.peer, nameId, sessionIndex === undefined ? [] : [sessionIndex])
        if (others.length === 0) await tell(found, deps)
      }
      await peers.forgetProvider(session)
    },
    async untold(sid) {
      const { marks: left = [] } = (await marks.of(sid)) ?? {}
      return new Set(left.flatMap(({ kind, provider }) => (kind === MARK ? [provider] : [])))
    },
    async endedBy(entityId, sid) {
      for (const { role, id } of await peers.byEntityId(entityId))
        if (role === 'idp') await marks.visited(sid, MARK, id)
    },
    async visited({ sid, properties }) {
      const mark = markOf({ properties })
      if (mark !== undefined) await marks.visited(sid, MARK, mark.provider)
    },
  }
}
