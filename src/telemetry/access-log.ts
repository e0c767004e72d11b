import type { DestinationStream } from 'pino'
import { maskText } from './mask.ts'
import { oneLine } from './one-line.ts'

/** One request, as operators read it. What no client can choose is written as it is: ids, kinds of verdicts, addresses that were read. */
export interface AccessEntry {
  readonly requestId: string
  /** Agent id, or `login` for the login host; `undefined` when no site answers to the host. */
  readonly site: string | undefined
  readonly method: string
  /** Request target; the query is cut off here, because nobody knows which of an application's parameters are secrets. */
  readonly path: string
  /** Kind of the gateway's verdict, or the endpoint's name for our own pages. */
  readonly verdict: string
  /** Why, where the verdict has a reason. */
  readonly reason: string | undefined
  readonly status: number
  readonly totalMs: number
  /** Durations of the stages that took time: no `sessionMs` for a session that was known already. */
  readonly sessionMs: number | undefined
  readonly policyMs: number | undefined
  readonly upstreamMs: number | undefined
  readonly clientIp: string
  readonly sid: string | undefined
  /** The session is one without proof. */
  readonly anonymous?: true
}

/** One line a request. `record` never throws, never waits, and writes nothing before the current turn of the loop is over. */
export interface AccessLog {
  record(entry: AccessEntry): void
  /** Writes what is still buffered. */
  close(): void
}

export interface AccessLogDeps {
  readonly destination: DestinationStream
  /** Milliseconds since the epoch, for the line's time. */
  readonly clock: () => number
  /** Which worker writes, where there are several; on every line. */
  readonly worker?: number | undefined
}

/** Nothing that JSON would escape, nothing that masking could be about. */
const PLAIN = /^[\w/.:[\]-]*$/

const MAX_PATH = 1_024

function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : oneLine(JSON.stringify(maskText(value)))
}

function pathOf(target: string): string {
  const cut = target.search(/[?#]/)
  const path = cut === -1 ? target : target.slice(0, cut)
  return text(path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path)
}

/** Two decimals, as `toFixed` writes them but from whole numbers, which have their text ready. */
function ms(value: number): string {
  const hundredths = Math.round(value * 100)
  if (!(hundredths >= 0 && hundredths < 1e9)) return value.toFixed(2)
  const rest = hundredths % 100
  return `${(hundredths - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`
}

/** The lines of one millisecond share their time. */
function createTimestamp(): (now: number) => string {
  let at = Number.NaN
  let written = ''
  return (now) => {
    if (now !== at) {
      at = now
      written = new Date(now).toISOString()
    }
    return written
  }
}

const HEAD = '{"log":"access",'

/** The entry as one line of JSON, built by hand: this runs for every request. */
export function accessLine(entry: AccessEntry, time: string, head = HEAD): string {
  let line = `${head}"time":"${time}","id":"${entry.requestId}"`
  if (entry.site !== undefined) line += `,"site":"${entry.site}"`
  line += `,"method":${text(entry.method)},"path":${pathOf(entry.path)},"verdict":"${entry.verdict}"`
  if (entry.reason !== undefined) line += `,"reason":${text(entry.reason)}`
  line += `,"status":${entry.status},"ms":${ms(entry.totalMs)}`
  if (entry.sessionMs !== undefined) line += `,"sessionMs":${ms(entry.sessionMs)}`
  if (entry.policyMs !== undefined) line += `,"policyMs":${ms(entry.policyMs)}`
  if (entry.upstreamMs !== undefined) line += `,"upstreamMs":${ms(entry.upstreamMs)}`
  line += `,"client":"${entry.clientIp}"`
  if (entry.sid !== undefined) line += `,"sid":"${entry.sid}"`
  if (entry.anonymous === true) line += ',"anonymous":true'
  return `${line}}\n`
}

/** A busy process writes its lines this often, in milliseconds. */
const EVERY_MS = 10

/**
 * Lines are made and written in batches: a system call a burst, not a request. After a pause the first one goes out at the end of
 * the turn, so that who watches the log sees it at once.
 */
export function createAccessLog({ destination, clock, worker }: AccessLogDeps): AccessLog {
  let waiting: { readonly entry: AccessEntry; readonly at: number }[] = []
  let scheduled = false
  let flushedAt = Number.NEGATIVE_INFINITY
  const timestamp = createTimestamp()
  const head = worker === undefined ? HEAD : `${HEAD}"worker":${worker},`

  const flush = (): void => {
    scheduled = false
    if (waiting.length === 0) return
    const lines = waiting
    waiting = []
    let text = ''
    for (const { entry, at } of lines) text += accessLine(entry, timestamp(at), head)
    destination.write(text)
    flushedAt = clock()
  }

  const schedule = (now: number): void => {
    scheduled = true
    const busy = now >= flushedAt && now - flushedAt < EVERY_MS
    if (busy) setTimeout(flush, EVERY_MS)
    else setImmediate(flush)
  }

  return {
    record(entry) {
      const at = clock()
      waiting.push({ entry, at })
      if (!scheduled) schedule(at)
    },
    close: flush,
  }
}
