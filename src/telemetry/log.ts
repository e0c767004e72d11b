import { pino, type DestinationStream } from 'pino'

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
}
