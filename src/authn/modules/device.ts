import { deviceOf } from '../../base/device.ts'
import { randomSecret } from '../../base/random-id.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { cookieName } from '../../http/cookies.ts'
import type { User } from '../../identity/directory.ts'
import type { Factor, FactorStore } from '../../identity/factors.ts'
import type { DeviceConfig } from './device.schema.ts'
import type { AuthModuleDeps, AuthModuleInput, AuthModuleType, ModuleOutcome } from './module.ts'
import type { DeviceFault, KeptCookie, StandIn } from './stand-in.ts'

/** Type of its factors. */
export const DEVICE_FACTOR = 'device'
const COOKIE = 'gatehouse-device'
const DAY_MS = 86_400_000
/** A form that was sent twice brings the secret twice. The second opens nothing all the same; it only is no theft. */
const SENT_TWICE_MS = 10_000

/** What the factor of a remembered browser keeps. */
interface DeviceData {
  /** SHA-256 of the secret that the browser has now. */
  readonly hash: string
  /** That of the one before, and when it was used. */
  readonly before?: { readonly hash: string; readonly usedAt: number }
  /** When the factor that it stands in for was proved. Milliseconds since the epoch, as the next. */
  readonly provenAt: number
  readonly expiresAt: number
}

/**
 * A browser that is remembered after a second factor (OpenAM's Device ID match and save, without a fingerprint: that can be copied).
 * The secret in its cookie works in one login, which replaces it. One that comes back after that is in two hands, and ends it.
 */
export const deviceModule: AuthModuleType<DeviceConfig> = {
  type: DEVICE_FACTOR,
  compile: (name, config, deps) => ({
    name,
    type: DEVICE_FACTOR,
    use: 'second',
    authLevel: config.authLevel,
    standing: 'given',
    isEnrolled: async ({ id }) => (await devicesOf(deps.factors, id)).some((factor) => isLive(factor, deps)),
    standIn: createStandIn(config, deps),
    until: ({ data }) => dataOf(data).expiresAt,
    process: (input) => match(input, deps),
  }),
}

/** Judges what the browser brings; nothing is used up yet, since the login may come to nothing. */
async function match({ user, presented }: AuthModuleInput, deps: AuthModuleDeps): Promise<ModuleOutcome> {
  const { factors } = deps
  const sent = user && sentBy(presented.cookie(nameFor(user, deps)))
  if (user === undefined || sent === undefined) return failed('no-device', user)
  const factor = (await devicesOf(factors, user.id)).find(({ id }) => id === sent.id)
  if (factor === undefined || !isLive(factor, deps)) return failed('unknown-device', user)
  if (dataOf(factor.data).hash === sent.hash) {
    return { kind: 'passed', user, standIn: { factor: sent.id, hash: sent.hash, since: dataOf(factor.data).provenAt } }
  }
  const now = deps.clock()
  const isCopy = await factors.change(user.id, sent.id, ({ data }) =>
    isCopied(dataOf(data), sent.hash, now) ? 'remove' : undefined,
  )
  return failed(isCopy ? 'copied-device' : 'unknown-device', user)
}

/** Whether a secret came back after it was used, or never was one, although the browser has the factor's name. */
function isCopied({ hash, before }: DeviceData, sent: string, now: number): boolean {
  if (hash === sent) return false
  return before?.hash !== sent || now - before.usedAt > SENT_TWICE_MS
}

function failed(reason: DeviceFault, user: User | undefined): ModuleOutcome {
  return { kind: 'failed', reason, username: user?.username }
}

function createStandIn({ rememberFor, most }: DeviceConfig, deps: AuthModuleDeps): StandIn {
  const { factors, clock } = deps
  return {
    days: Math.max(1, Math.round(rememberFor / DAY_MS)),
    async remember(user, { presented, userAgent, provenAt }) {
      const sent = sentBy(presented.cookie(nameFor(user, deps)))
      if (sent !== undefined) await removeDevice(factors, user.id, sent.id)
      await makeRoom(user.id, most, deps)
      const secret = randomSecret()
      const expiresAt = provenAt + rememberFor
      const data: DeviceData = { hash: sha256(secret), provenAt, expiresAt }
      const { browser, system } = deviceOf(userAgent)
      const name = [browser, system].filter((part) => part !== undefined).join(', ')
      const factor = await factors.add(user.id, { type: DEVICE_FACTOR, name, data: data as unknown as JsonValue })
      return factor && { factor, cookie: cookieFor(user, { id: factor.id, secret, expiresAt }, deps) }
    },
    async replaceSecret(user, { factor: id, hash }) {
      const secret = randomSecret()
      const now = clock()
      // As of the last call, the one whose answer was written.
      let kept: DeviceData | undefined
      await factors.change(user.id, id, ({ name, data }) => {
        const old = dataOf(data)
        kept = old.hash === hash ? { ...old, hash: sha256(secret), before: { hash, usedAt: now } } : undefined
        if (kept !== undefined) return { name, lastUsedAt: now, data: kept as unknown as JsonValue }
        return isCopied(old, hash, now) ? 'remove' : undefined
      })
      return kept && cookieFor(user, { id, secret, expiresAt: kept.expiresAt }, deps)
    },
  }
}

/** What is over goes, and of the rest the least recently used, until there is room for one more. */
async function makeRoom(userId: string, most: number, deps: AuthModuleDeps): Promise<void> {
  const { factors } = deps
  const devices = await devicesOf(factors, userId)
  const usedAt = ({ lastUsedAt, createdAt }: Factor): number => lastUsedAt ?? createdAt
  const live = devices.filter((factor) => isLive(factor, deps)).sort((one, other) => usedAt(other) - usedAt(one))
  const staying = new Set(live.slice(0, most - 1))
  for (const factor of devices) if (!staying.has(factor)) await removeDevice(factors, userId, factor.id)
}

/** Whatever a cookie names: no other factor of the person. */
async function removeDevice(factors: FactorStore, userId: string, id: string): Promise<void> {
  await factors.change(userId, id, ({ type }) => (type === DEVICE_FACTOR ? 'remove' : undefined))
}

async function devicesOf(factors: FactorStore, userId: string): Promise<readonly Factor[]> {
  return (await factors.list(userId)).filter(({ type }) => type === DEVICE_FACTOR)
}

function isLive({ data }: Factor, { clock }: Pick<AuthModuleDeps, 'clock'>): boolean {
  return clock() < dataOf(data).expiresAt
}

function dataOf(data: JsonValue): DeviceData {
  return data as unknown as DeviceData
}

/** A name for each person and realm: several may be remembered in one browser. Prefixed with `__Host-` over https. */
function nameFor({ id }: User, { directory, loginOrigin }: AuthModuleDeps): string {
  const whose = sha256(JSON.stringify([directory.realm, id])).slice(0, 16)
  return cookieName(`${COOKIE}-${whose}`, { secure: loginOrigin.startsWith('https:') })
}

interface Issued {
  readonly id: string
  readonly secret: string
  readonly expiresAt: number
}

function cookieFor(user: User, { id, secret, expiresAt }: Issued, deps: AuthModuleDeps): KeptCookie {
  return { name: nameFor(user, deps), value: `${id}.${secret}`, expiresAt }
}

function sentBy(cookie: string | undefined): { readonly id: string; readonly hash: string } | undefined {
  const [, id, secret] = /^([\w-]{16})\.([\w-]{43})$/.exec(cookie ?? '') ?? []
  return id === undefined || secret === undefined ? undefined : { id, hash: sha256(secret) }
}
