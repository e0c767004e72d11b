import type { Dispatcher } from 'undici'
import {
  CheckedRequest,
  Client,
  kBusy,
  kDispatch,
  kNeedDrain,
  kQueue,
  kResume,
  kResuming,
  kUrl,
} from '../../http/undici.ts'

/** Header lines that undici has looked at, as it writes them. Only `checkLines` makes them. */
export class CheckedLines {
  readonly host: string | null
  /** Of the first line. */
  readonly name: string
  /** Of the first line, and all lines after it. */
  readonly value: string

  constructor({ host, headers }: CheckedRequest) {
    const [name = '', ...rest] = headers
    this.host = host
    this.name = name
    this.value = rest.map((item, at) => (at % 2 === 0 ? item : `\r\n${item}: `)).join('')
  }
}

const NOBODY: Dispatcher.DispatchHandler = {
  onRequestStart: ignore,
  onResponseStart: ignore,
  onResponseData: ignore,
  onResponseEnd: ignore,
  onResponseError: ignore,
}

function ignore(): void {
  // Nothing is ever sent for it.
}

/**
 * Has undici look at the lines, once for all requests that bear them. `undefined` for lines that say more than themselves: framing, or the
 * end of the connection.
 * @throws what undici throws for lines that it would not send
 */
export function checkLines(lines: readonly string[]): CheckedLines | undefined {
  const options: Dispatcher.DispatchOptions = { path: '/', method: 'GET', headers: lines as string[] }
  const request = new CheckedRequest('http://localhost', options, NOBODY)
  const { contentLength, reset, headers } = request
  return contentLength === null && reset === null && headers.length > 0 ? new CheckedLines(request) : undefined
}

/** `headers` are looked at, `checked` go after them and are not. */
export interface CheckedOptions extends Dispatcher.DispatchOptions {
  readonly checked?: readonly CheckedLines[] | undefined
}

/** An answer's head that nobody has made a table of. */
class HeadLines {
  readonly lines: readonly Buffer[]

  constructor(lines: readonly Buffer[]) {
    this.lines = lines
  }
}

/** Names and values in turn, as they came: what `onResponseStart` is told beside its table, or in place of it. */
export function headLines({ rawHeaders }: Dispatcher.DispatchController): readonly Buffer[] {
  if (rawHeaders instanceof HeadLines) return rawHeaders.lines
  return Array.isArray(rawHeaders) ? (rawHeaders as Buffer[]) : []
}

/** Hands the head on in lines: a table of them would be taken apart again at once. */
class LinesRequest extends CheckedRequest {
  override onResponseStart(status: number, head: unknown, resume: () => void, statusText: string): boolean {
    const lines = Array.isArray(head) ? new HeadLines(head as Buffer[]) : head
    return super.onResponseStart(status, lines, resume, statusText)
  }
}

type Insides = Record<symbol, unknown>
type Dispatch = (this: object, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => boolean

const dispatch = (Client.prototype as unknown as Insides)[kDispatch] as Dispatch

/**
 * One connection of a pool. Requests with checked lines, which have no body, take the way of undici's own method
 * (`Client[kDispatch]`), with the lines put in before anything is written; their answers' heads are lines, too.
 */
export class LinesClient extends Client {
  [kDispatch](options: CheckedOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { checked, body } = options
    if (checked === undefined) return dispatch.call(this, options, handler)
    if (body !== undefined && body !== null) throw new TypeError('checked lines are for requests without a body')
    const inside = this as unknown as Insides
    const request = new LinesRequest((inside[kUrl] as URL).origin, options, handler)
    for (const { host, name, value } of checked) {
      request.host ??= host
      request.headers.push(name, value)
    }
    ;(inside[kQueue] as CheckedRequest[]).push(request)
    if (!inside[kResuming]) (inside[kResume] as (sync: boolean) => void)(true)
    if (inside[kResuming] && inside[kNeedDrain] !== 2 && inside[kBusy]) inside[kNeedDrain] = 2
    return (inside[kNeedDrain] as number) < 2
  }
}
