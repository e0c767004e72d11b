import { randomUUID } from 'node:crypto'
import { openMessage } from '../saml/gate.ts'
import { judged } from '../saml/refusal.ts'
import { soapOf } from './endpoints.ts'
import { enveloped, isLogoutSuccess, writeLogoutRequest } from './messages.ts'
import type { RealmLogoutDeps } from './logout-deps.ts'
import type { Acquaintance, Peer } from './peers.ts'

/** Tries half a minute apart, as long as the outbox holds an entry: five minutes. */
const MOST_TRIES = 10

/** Tells applications with a back channel that a session has ended, each until it has heard. */
export async function tellBySoap(sid: string, deps: RealmLogoutDeps): Promise<void> {
  const { peers, log } = deps
  const known = (await peers.applicationsOf(sid)).filter(({ peer }) => soapOf(peer) !== undefined)
  const told = await Promise.allSettled(known.map((acquaintance) => tell(acquaintance, deps)))
  let failure: unknown
  const failed: Peer[] = []
  for (const [index, result] of told.entries()) {
    const peer = known[index]?.peer
    if (peer === undefined) continue
    if (result.status === 'fulfilled') await peers.forget(peer, sid)
    else {
      failure = result.reason
      failed.push(peer)
    }
  }
  if (failed.length === 0) return
  const names = failed.map(({ id }) => id).join(', ')
  if ((await peers.toldInVain(sid)) < MOST_TRIES) throw new Error(`${names} could not be told`, { cause: failure })
  log.error(
    { err: failure, partners: names, sid },
    'SAML partners could not be told that a session has ended; given up',
  )
  for (const peer of failed) await peers.forget(peer, sid)
}

/** Rejects where it has not answered that it has heard. Nobody is told who has no such address. */
export async function tell({ peer, named }: Acquaintance, deps: RealmLogoutDeps): Promise<void> {
  const { entityId, destinations, keys, soap, clock } = deps
  const to = soapOf(peer)
  if (to === undefined) return
  const id = `_${randomUUID()}`
  const xml = writeLogoutRequest({ id, now: clock(), destination: to.location, issuer: entityId }, named)
  const body = await soap(to.location, enveloped(xml, id, keys.signing()), peer.isInternal)
  const answer = openMessage<Peer>(
    { binding: 'soap', body },
    {
      ...{ expects: 'LogoutResponse', destinations, signed: 'none', moment: { now: clock(), skewMs: 60_000 } },
      partner: (issuer) => (issuer === peer.entityId ? peer : undefined),
    },
  )
  if (answer.kind === 'refused') throw new Error(`its answer is not accepted: ${answer.reason}: ${answer.detail}`)
  if (answer.inResponseTo !== id) throw new Error('it answers another request')
  const isDone = judged(() => ({ kind: 'read' as const, isDone: isLogoutSuccess(answer.element) }))
  // Who does not know the person any more has signed them out already; what else it says, it says again when asked again.
  if (isDone.kind === 'refused') throw new Error(isDone.detail)
}
