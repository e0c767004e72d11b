import ipaddr from 'ipaddr.js'
import { setTimeout as pause } from 'node:timers/promises'
import type { RealmName } from '../../base/brand.ts'
import { deviceOf } from '../../base/device.ts'
import { sha256 } from '../../crypto/sha256.ts'
import type { Counters } from '../../store/store.ts'
import type { AuditEvent, AuditSink, Browser } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { NamedDirectory, User } from '../directory.ts'
import { noticeLetter, type NoticeKind } from './letters.ts'
import type { Messenger } from './messenger.ts'
import { wordingFor } from './texts.ts'

/** A browser or a network of an account stays known for this long after it was first seen. */
const KNOWN_FOR_MS = 180 * 86_400_000
/** Notices that are under way in this process; an attack must not fill the memory with them. */
const MOST = 500
const TRIES = 3
const AGAIN_MS = 20_000

export interface NoticesDeps {
  readonly audit: AuditSink
  /** Absent where there is nothing to send with: then this only records. */
  readonly mail: Messenger | undefined
  readonly counters: Counters
  readonly directories: ReadonlyMap<RealmName, NamedDirectory>
  /** What people call a realm. */
  readonly titleOf: (realm: RealmName) => string
  readonly log: Log
  /** How long to wait before a mail that failed is tried again. */
  readonly againMs?: number
}

type Told = Extract<
  AuditEvent,
  { readonly event: 'AuthnSucceeded' | 'FactorEnrolled' | 'FactorRemoved' | 'PasswordChanged' }
>

const KINDS: Readonly<Record<Told['event'], NoticeKind>> = {
  AuthnSucceeded: 'newDevice',
  FactorEnrolled: 'factorAdded',
  FactorRemoved: 'factorRemoved',
  PasswordChanged: 'passwordChanged',
}

/**
 * The audit trail, which also tells people by mail what happened to their account. Nobody waits for it, and a mail that cannot be sent
 * keeps nobody out: it is tried a few times, then given up and logged.
 */
export function createNotices(deps: NoticesDeps): AuditSink {
  const { audit, mail, log } = deps
  let underWay = 0
  return {
    record(event, by) {
      audit.record(event, by)
      if (mail === undefined || !isTold(event)) return
      if (underWay >= MOST) {
        log.warn({ event: event.event }, 'too many notices are under way; this one is not sent')
        return
      }
      underWay++
      tell({ ...deps, mail }, event, by)
        .catch((error: unknown) => log.warn({ err: error }, 'a notice could not be sent'))
        .finally(() => underWay--)
    },
  }
}

function isTold(event: AuditEvent): event is Told {
  return Object.hasOwn(KINDS, event.event)
}

async function tell(
  deps: NoticesDeps & { readonly mail: Messenger },
  event: Told,
  by: Browser | undefined,
): Promise<void> {
  const { mail, titleOf, log, againMs = AGAIN_MS } = deps
  const user = await findUser(deps, event)
  const to = user?.attributes['mail']?.[0]
  const browser = by?.userAgent === undefined ? undefined : browserName(by.userAgent)
  if (event.event === 'AuthnSucceeded' && !(await isNew(deps, event, browser))) return
  if (user === undefined || to === undefined) return
  const realm = titleOf(event.realm)
  // The language of the account before that of the page: the page may be a stranger's.
  const wording = wordingFor(user.attributes['preferredLanguage']?.[0], by?.language)
  const kind = KINDS[event.event]
  const about = { realm, user: user.username, kind, at: event.at, browser, network: event.clientIp }
  for (let left = TRIES; left > 0; left--) {
    if (await mail.send({ ...noticeLetter(wording, about), to })) return
    if (left > 1) await pause(againMs, undefined, { ref: false })
  }
  log.warn({ event: event.event, realm: event.realm }, 'a notice could not be sent; giving up')
}

async function findUser({ directories }: NoticesDeps, { realm, username }: Told): Promise<User | undefined> {
  const directory = directories.get(realm)
  const id = await directory?.idOf(username)
  return id === undefined ? undefined : directory?.find(id)
}

function browserName(userAgent: string): string | undefined {
  const names = Object.values(deviceOf(userAgent)).filter((name) => name !== undefined)
  return names.length === 0 ? undefined : names.join(', ')
}

/** Whether the account signed in before, but never with this kind of browser, or never from about this network. */
async function isNew(
  { counters }: NoticesDeps,
  { realm, username, clientIp }: Told,
  browser: string | undefined,
): Promise<boolean> {
  const seen = async (...parts: readonly string[]): Promise<boolean> => {
    const key = `seen:${sha256(JSON.stringify([realm, username, ...parts]))}`
    return (await counters.add(key, 1, KNOWN_FOR_MS)).count > 1
  }
  const before = await seen('account')
  const known = [await seen('browser', browser ?? ''), await seen('network', neighbourhoodOf(clientIp))]
  return before && known.includes(false)
}

/** Telephones change their address all day, within what their provider has. */
function neighbourhoodOf(clientIp: string | undefined): string {
  if (clientIp === undefined || !ipaddr.isValid(clientIp)) return 'unknown'
  const address = ipaddr.process(clientIp)
  return address
    .toByteArray()
    .slice(0, address instanceof ipaddr.IPv6 ? 4 : 2)
    .join('.')
}
