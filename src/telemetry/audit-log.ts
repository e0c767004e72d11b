import type { DestinationStream } from 'pino'
import { fault } from '../errors.ts'
import { openAppendFile } from './append-file.ts'
import type { AuditEvent, AuditSink } from './audit.ts'
import type { Log } from './log.ts'
import { maskFields } from './mask.ts'
import { oneLine } from './one-line.ts'

export interface AuditLog extends AuditSink {
  /** Settles when everything recorded so far is written, or cannot be. Later events are dropped. */
  close(): Promise<void>
}

export interface AuditLogDeps {
  /** A file that is appended to (created for its owner alone, 0600), or a stream that somebody else closes. */
  readonly destination: { readonly file: string } | DestinationStream
  /** Told when events are lost; the events themselves never go there. */
  readonly log: Log
}

/** What may wait in memory for a slow or full disk before events are dropped, in bytes. */
const MAX_WAITING = 8 * 1024 * 1024

/**
 * The audit sink: one line of JSON an event. Rejects nothing and blocks nobody: a disk that fails is told to the log, and what is
 * waiting is written when it works again.
 *
 * Throws GH_CONFIG_INVALID when the file cannot be opened: a process that cannot keep its audit trail does not start.
 */
export function createAuditLog({ destination, log }: AuditLogDeps): AuditLog {
  const output = 'file' in destination ? openFile(destination.file, log) : { stream: destination, close: settled }
  let closed = false
  return {
    record(event) {
      if (closed) return
      try {
        output.stream.write(auditLine(event))
      } catch (error) {
        log.error({ error, event: event.event }, 'an audit event was lost')
      }
    },
    async close() {
      if (closed) return
      closed = true
      await output.close()
    },
  }
}

/** The event as one line of JSON, time first. */
export function auditLine(event: AuditEvent): string {
  const { at, ...rest } = event
  return `${oneLine(JSON.stringify({ log: 'audit', time: new Date(at).toISOString(), ...maskFields(rest) }))}\n`
}

function settled(): Promise<void> {
  return Promise.resolve()
}

function openFile(file: string, log: Log): { readonly stream: DestinationStream; close(): Promise<void> } {
  try {
    const stream = openAppendFile({
      file,
      maxWaiting: MAX_WAITING,
      onError: (error) => log.error({ error }, 'the audit log cannot be written'),
      onDrop: () => log.error({}, 'an audit event was lost: the audit log is not being written'),
    })
    return { stream, close: () => stream.close() }
  } catch (cause) {
    throw fault('GH_CONFIG_INVALID', { cause, detail: `the audit log ${file} cannot be opened for appending` })
  }
}
