import type { Log } from './log.ts'

/** `liveness`: a failure means restart me. `readiness`: send me no traffic. `notice`: look at me, but go on. */
export type HealthAspect = 'liveness' | 'readiness' | 'notice'

export interface HealthCheck {
  /** Shown to whoever asks: a plain word such as `store`. */
  readonly name: string
  readonly aspect: HealthAspect
  /** Milliseconds for which a result stands: for a check that costs something, since anybody may probe. None by default. */
  readonly freshForMs?: number
  /** Throws or rejects when unwell. Why goes to the log, never into the answer. */
  check(): void | Promise<void>
}

export type CheckResult = 'ok' | 'failing' | 'timed-out'

/** What a probe reads. Names and words only: addresses, versions and error texts would help the wrong people. */
export interface HealthReport {
  readonly status: 'ok' | 'failing'
  readonly checks: Readonly<Record<string, CheckResult>>
}

export interface Health {
  /** Returns the function that takes the check out again. Two checks of one name are a mistake and throw. */
  register(check: HealthCheck): () => void
  live(): Promise<HealthReport>
  /** Failing from the moment of `drain` on, so that balancers stop sending before the listener closes. */
  ready(): Promise<HealthReport>
  drain(): void
}

export interface HealthDeps {
  readonly log: Log
  /** How long one check may take, in milliseconds. */
  readonly timeoutMs?: number
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonic?: () => number
}

/** The registry of checks. Any number of probes at once cost one run of each check. */
export function createHealth({ log, timeoutMs = 1_000, monotonic = () => performance.now() }: HealthDeps): Health {
  const checks = new Map<string, HealthCheck>()
  const last = new Map<string, CheckResult>()
  const running = new Map<string, Promise<CheckResult>>()
  const fresh = new Map<HealthCheck, { readonly result: CheckResult; readonly until: number }>()
  let draining = false

  const run = (check: HealthCheck): CheckResult | Promise<CheckResult> => {
    const before = fresh.get(check)
    if (before !== undefined && monotonic() < before.until) return before.result
    const current = running.get(check.name)
    if (current !== undefined) return current
    const started = runOnce(check, timeoutMs).then(({ result, error }) => {
      running.delete(check.name)
      if (result !== (last.get(check.name) ?? 'ok')) report(log, check, result, error)
      last.set(check.name, result)
      const { freshForMs = 0 } = check
      if (freshForMs > 0) fresh.set(check, { result, until: monotonic() + freshForMs })
      return result
    })
    running.set(check.name, started)
    return started
  }

  const ask = async (aspects: readonly HealthAspect[], failing: boolean): Promise<HealthReport> => {
    const asked = [...checks.values()].filter((check) => aspects.includes(check.aspect))
    const results = await Promise.all(asked.map(async (check) => [check, await run(check)] as const))
    const bad = results.some(([check, result]) => result !== 'ok' && check.aspect !== 'notice')
    return {
      status: failing || bad ? 'failing' : 'ok',
      checks: Object.fromEntries(results.map(([check, result]) => [check.name, result])),
    }
  }

  return {
    register(check) {
      if (checks.has(check.name)) throw new TypeError(`a health check named ${check.name} is registered already`)
      checks.set(check.name, check)
      return () => {
        if (checks.get(check.name) !== check) return
        checks.delete(check.name)
        last.delete(check.name)
        fresh.delete(check)
      }
    },
    live: () => ask(['liveness'], false),
    ready: () => ask(['liveness', 'readiness', 'notice'], draining),
    drain() {
      draining = true
    },
  }
}

interface Run {
  readonly result: CheckResult
  readonly error: unknown
}

async function runOnce(check: HealthCheck, timeoutMs: number): Promise<Run> {
  const late = Promise.withResolvers<Run>()
  const timer = setTimeout(() => late.resolve({ result: 'timed-out', error: undefined }), timeoutMs)
  const done = (async (): Promise<Run> => {
    try {
      await check.check()
      return { result: 'ok', error: undefined }
    } catch (error) {
      return { result: 'failing', error }
    }
  })()
  try {
    return await Promise.race([done, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function report(log: Log, check: HealthCheck, result: CheckResult, error: unknown): void {
  const fields = { check: check.name, aspect: check.aspect, result, error }
  if (result === 'ok') log.info(fields, 'a health check passes again')
  else log.warn(fields, 'a health check fails')
}
