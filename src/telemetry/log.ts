import { destination, pino, stdTimeFunctions, type DestinationStream } from 'pino'
import { maskFields, maskText } from './mask.ts'
import { oneLine } from './one-line.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent'

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** Structured log, one JSON object a line. error: someone must act; warn: configuration or a peer is odd; info: life cycle. */
export interface Log {
  readonly error: Write
  readonly warn: Write
  readonly info: Write
  readonly debug: Write
}

export interface LogOptions {
  readonly level: LogLevel
  /** Standard output by default. */
  readonly destination?: DestinationStream
  /** Which worker writes, where there are several; on every line. */
  readonly worker?: number | undefined
}

/**
 * A log that writes one line of JSON a call: log injection, terminal escapes and bidirectional overrides stay inside their
 * string, and what looks like a secret is masked at any depth. Writes in order and before it returns, so that the last words of
 * a dying process are read. Never throws.
 */
export function createLogger(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: options.worker === undefined ? { pid: process.pid } : { pid: process.pid, worker: options.worker },
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ log: 'app', level: label }) },
      hooks: { streamWrite: oneLine },
    },
    options.destination ?? destination({ dest: 1, sync: true }),
  )
  const at = (level: 'error' | 'warn' | 'info' | 'debug'): Write => {
    if (!logger.isLevelEnabled(level)) return () => undefined
    return (fields, message) => logger[level](maskFields(fields), maskText(message))
  }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
