import type { ServerResponse } from 'node:http'
import { monotonicMs } from '../base/clock.ts'
import { isAnonymous } from '../session/anonymous.ts'
import type { AccessEntry } from '../telemetry/access-log.ts'
import type { StageTimes } from './access-request.ts'
import type { ExchangeResult } from './upstream/upstream.ts'
import type { Verdict } from './verdict.ts'

/** What is found out about one request while it is served, for its line in the access log. */
export interface AccessLine {
  readonly requestId: string
  readonly startedAt: number
  readonly stages: StageTimes
  site: string | undefined
  method: string
  path: string
  verdict: string
  reason: string | undefined
  clientIp: string
  sid: string | undefined
  anonymous?: true
  exchange: ExchangeResult | undefined
}

export function newAccessLine(requestId: string, method: string): AccessLine {
  return {
    requestId,
    startedAt: monotonicMs(),
    stages: { sessionMs: undefined, policyMs: undefined },
    site: undefined,
    method,
    path: '',
    verdict: 'none',
    reason: undefined,
    clientIp: '',
    sid: undefined,
    exchange: undefined,
  }
}

export function noteVerdict(line: AccessLine, verdict: Verdict): void {
  line.verdict = verdict.kind
  if ('reason' in verdict) line.reason = verdict.reason
  else if (verdict.kind === 'login') line.reason = verdict.missing
  if (!('session' in verdict) || verdict.session === undefined) return
  line.sid = verdict.session.sid
  if (isAnonymous(verdict.session)) line.anonymous = true
}

/** The finished line. An exchange that was cut off says by whom, unless there is another reason already. */
export function entryOf(line: AccessLine, response: ServerResponse): AccessEntry {
  const { exchange, stages } = line
  const entry: AccessEntry = {
    requestId: line.requestId,
    site: line.site,
    method: line.method,
    path: line.path,
    verdict: line.verdict,
    reason: line.reason ?? exchange?.aborted,
    status: exchange?.status ?? response.statusCode,
    totalMs: monotonicMs() - line.startedAt,
    sessionMs: stages.sessionMs,
    policyMs: stages.policyMs,
    upstreamMs: exchange?.upstreamMs,
    clientIp: line.clientIp,
    sid: line.sid,
  }
  return line.anonymous === true ? { ...entry, anonymous: true } : entry
}
