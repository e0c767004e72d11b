import type { Clock } from '../../base/clock.ts'
import { exchange } from '../../http/exchange.ts'
import { mayDialHost, publicHostsOnly } from '../../http/public-hosts.ts'
import type { Log } from '../../telemetry/log.ts'
import type { MetadataExpected, MetadataReading, Partner } from './metadata.ts'
import { METADATA_LIMITS } from './metadata-document.ts'
import type { PartnerKey } from './partner-keys.ts'

/** Where a partner publishes its metadata. */
export interface MetadataAddress {
  readonly url: string
  /** Whether the address may be inside this network. */
  readonly internal: boolean
  readonly entityId: string
  readonly signers: readonly PartnerKey[] | undefined
  /** How long it is kept at most before it is read anew, in milliseconds. */
  readonly refreshMs: number
}

/** A partner's metadata as it is now. */
export interface MetadataFeed<Role> {
  /** `undefined` until it could be read for the first time, and once what was read last is over. Waits for the first reading. */
  partner(): Promise<Partner<Role> | undefined>
  close(): void
}

export interface MetadataFeedDeps {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Rejects for what cannot be had. */
  readonly fetch?: (address: MetadataAddress) => Promise<string>
}

const TIMEOUT_MS = 5_000
const SHORTEST_MS = 60_000
/** After a failure. */
const AGAIN_MS = 5 * 60_000
/** Timers of Node go no further. */
const LONGEST_MS = 2_147_483_647

/**
 * Reads metadata from its address now and again and again: as often as it says itself (`cacheDuration`), but no less often than
 * `refreshMs`. What was read last counts until it is over (`validUntil`), however often reading it anew fails.
 */
export function openMetadataFeed<Role>(
  address: MetadataAddress,
  read: (xml: string, expected: MetadataExpected) => MetadataReading<Role>,
  { clock, log, fetch = fetchMetadata }: MetadataFeedDeps,
): MetadataFeed<Role> {
  const { entityId, signers, refreshMs, url } = address
  let last: Partner<Role> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let isFailing = false

  const once = async (): Promise<Partner<Role>> => {
    const reading = read(await fetch(address), { entityId, signers, now: clock() })
    if (reading.kind === 'refused') throw new Error(reading.problems.map(({ message }) => message).join('; '))
    return reading.partner
  }
  const attempt = async (): Promise<void> => {
    let nextMs = AGAIN_MS
    try {
      const partner = await once()
      last = partner
      nextMs = Math.max(SHORTEST_MS, Math.min(refreshMs, partner.cacheMs ?? refreshMs, remaining(partner, clock())))
      if (isFailing) log.info({ entityId, url }, 'metadata of a SAML partner can be read again')
      isFailing = false
    } catch (error) {
      // Once for each outage.
      if (!isFailing && !isClosed) {
        const kept = last === undefined ? 'there is none yet' : 'what was read last stays in force'
        log.warn({ err: error, entityId, url }, `metadata of a SAML partner cannot be read: ${kept}`)
      }
      isFailing = true
    }
    if (!isClosed) timer = setTimeout(() => void attempt(), Math.min(nextMs, LONGEST_MS)).unref()
  }
  const first = attempt()
  return {
    async partner() {
      await first
      return last !== undefined && remaining(last, clock()) > 0 ? last : undefined
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

function remaining({ validUntil }: Partner<unknown>, now: number): number {
  return validUntil === undefined ? Infinity : validUntil - now
}

let internet: ReturnType<typeof publicHostsOnly> | undefined

/**
 * The configuration names the address, but who answers there decides what we do next, and an administrator of one realm is not one of
 * this network: only hosts on the internet are asked, over https, unless it says `internal`. No redirect is followed (SSRF).
 */
async function fetchMetadata({ url, internal }: MetadataAddress): Promise<string> {
  const { protocol, hostname, origin } = new URL(url)
  if (!internal && (protocol !== 'https:' || !mayDialHost(hostname)))
    throw new Error(`${origin} is not on the internet; say internal, where it may be asked`)
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: METADATA_LIMITS.length }
  const answer = await exchange(
    url,
    { method: 'GET', headers: { accept: 'application/samlmetadata+xml, application/xml', 'user-agent': 'gatehouse' } },
    internal ? limits : { ...limits, dispatcher: (internet ??= publicHostsOnly()) },
  )
  if (answer.status !== 200) throw new Error(`${origin} answers ${answer.status}`)
  return new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes)
}
