import type { LoginResult, LoginRound } from './login.ts'
import type { EngineRow, PolicyResult } from './policy.ts'
import type { RedisSessionsResult } from './redis-sessions.ts'
import type { RequestPathResult, Row, StoreRow } from './request-path.ts'
import type { Delays } from './revocation.ts'
import type { SamlRow } from './saml.ts'
import type { StartupResult } from './startup.ts'

/** Budgets of docs/performance.md. */
const BUDGET = {
  cpuRatio: 1.25,
  /** Of a million bytes. */
  megabytes: 250,
  storeOperations: 1,
  policyMicroseconds: 5,
  policyAim: 2,
  policyRatio: 1.5,
  sessionBytes: 1_024,
  listTrips: 1,
  loginRate: 0.9,
  floodedP99: 2,
  samlMilliseconds: 3,
} as const

export function requestPathReport({ rows, store }: RequestPathResult): string {
  const paths = table(
    ['proxy', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'ratio', 'ratio of each round', 'most RSS MiB'],
    rows.map(pathCells),
  )
  const operations = table(
    [
      'store',
      'requests',
      'session reads',
      'uses written (batches)',
      'operations/request',
      'per session and second',
      'background/s',
    ],
    store.map(storeCells),
  )
  const enforced = rows.slice(2)
  const most = Math.max(...enforced.map(({ residentMegabytes }) => residentMegabytes)) * 1.048576
  const busiest = Math.max(...store.map((row) => row.operationsPerSessionAndSecond))
  return [
    paths,
    '',
    operations,
    '',
    ...enforced.map(({ name, ratio }) =>
      verdict(`CPU per request, to the bare proxy: ${name}`, ratio, BUDGET.cpuRatio),
    ),
    verdict('MB of resident memory while loaded', most, BUDGET.megabytes),
    verdict('store operations per session and second', busiest, BUDGET.storeOperations),
    '',
  ].join('\n')
}

export function loginReport(login: LoginResult): string {
  const cells = (name: string, round: Omit<LoginRound, 'refused'>): readonly string[] => [
    name,
    round.hashesPerSecond.toFixed(1),
    round.loginsPerSecond.toFixed(1),
    round.rate.toFixed(2),
    round.cpuPerHash.toFixed(1),
    round.cpuPerLogin.toFixed(1),
    round.share.toFixed(2),
    round.p99Quiet.toFixed(1),
    round.p99Flooded.toFixed(1),
    round.p99Ratio.toFixed(2),
    round.requestsQuiet.toFixed(0),
    round.requestsFlooded.toFixed(0),
    round.floodLoginsPerSecond.toFixed(1),
  ]
  const head = [
    'round',
    'hashes/s',
    'logins/s',
    'rate',
    'CPU ms/hash',
    'CPU ms/login',
    'share',
    'p99 ms',
    'p99 ms, flooded',
    'ratio',
    'requests/s',
    'flooded',
    'flood logins/s',
  ]
  return [
    table(head, [...login.rounds.map((round, nth) => cells(String(nth + 1), round)), cells('middle', login)]),
    '',
    verdict('bare hashes a second, to logins a second', 1 / login.rate, 1 / BUDGET.loginRate),
    verdict('p99 of enforced requests beside a flood of logins, to that without', login.p99Ratio, BUDGET.floodedP99),
    '',
  ].join('\n')
}

export function policyReport({ rows, clock, few, many, everywhere, ratio, ratios, compile }: PolicyResult): string {
  const own = rows.filter(({ engine }) => engine === 'gatehouse')
  const slowest = Math.max(...own.flatMap(({ first, again }) => [first.p50, again.p50]))
  return [
    table(
      ['engine', 'policies', 'first p50 µs', 'p99', 'again p50 µs', 'p99', 'of', 'ready ms'],
      rows.map(engineCells),
    ),
    '',
    `* from its cache of decisions; Cedar decides anew. Taking the time is in it: ${clock.p50.toFixed(2)} µs, p99 ${clock.p99.toFixed(2)}.`,
    '',
    table(
      ['policies', 'CPU µs/decision'],
      [
        ['10', few.toFixed(2)],
        ['10,000, the same ten areas asked about', many.toFixed(2)],
        ['10,000, every area in turn', everywhere.toFixed(2)],
      ],
    ),
    '',
    `10,000 policies: compiled in ${compile.cpuMs.toFixed(0)} CPU ms, ${compile.megabytes.toFixed(1)} MiB stay`,
    `ratio of each round: ${ratios.map((value) => value.toFixed(2)).join(' ')}`,
    verdict('µs per decision, p50 of the slowest size', slowest, BUDGET.policyMicroseconds),
    verdict('the same, aimed at', slowest, BUDGET.policyAim),
    verdict('10,000 policies to 10, the same asked', ratio, BUDGET.policyRatio),
    '',
  ].join('\n')
}

function engineCells({ engine, policies, first, again, remembers, readyMs }: EngineRow): readonly string[] {
  const cached = remembers ? ' *' : ''
  const times = [short(first.p50), short(first.p99), `${short(again.p50)}${cached}`, short(again.p99)]
  return [engine, policies.toLocaleString('en'), ...times, String(first.count), readyMs.toFixed(0)]
}

/** Microseconds, three digits that count. */
function short(microseconds: number): string {
  return microseconds < 100 ? microseconds.toFixed(2) : Math.round(microseconds).toLocaleString('en')
}

export function revocationReport(delays: readonly Delays[]): string {
  const rows = delays.map(({ what, count, ...ms }) => [
    what,
    String(count),
    ...[ms.p50, ms.p99, ms.longest].map((value) => value.toFixed(1)),
  ])
  return [
    table(['revoked', 'count', 'p50 ms', 'p99 ms', 'longest ms'], rows),
    '',
    ...delays.map(({ what, p99, budget }) => verdict(`p99 ms, ${what}`, p99, budget)),
    '',
  ].join('\n')
}

export function redisSessionsReport({ sessions, bytesPerSession, few, many, list }: RedisSessionsResult): string {
  const rows = [few, many].map((times) => [
    times.sessions.toLocaleString('en'),
    times.p50.toFixed(0),
    times.p99.toFixed(0),
  ])
  return [
    table(['sessions in Redis', 'lookup p50 µs', 'p99 µs'], rows),
    '',
    `the ${list.found} sessions of one user beside ${sessions.toLocaleString('en')} others: ${list.p50.toFixed(0)} µs`,
    `lookup beside that with ${few.sessions.toLocaleString('en')}: ${(many.p50 / few.p50).toFixed(2)}`,
    verdict('bytes per session with two tokens and its indexes', bytesPerSession, BUDGET.sessionBytes),
    verdict('round trips for the sessions of one user', list.roundTrips, BUDGET.listTrips),
    '',
  ].join('\n')
}

export function samlReport(rows: readonly SamlRow[]): string {
  const cells = rows.map(({ name, cpuMs, worstRoundMs }) => [name, cpuMs.toFixed(2), worstRoundMs.toFixed(2)])
  const kept = rows.filter(({ name, cpuMs }) => name.endsWith('(gate)') && cpuMs > BUDGET.samlMilliseconds)
  const verdict = kept.length === 0 ? 'kept' : `missed by: ${kept.map(({ name }) => name).join(', ')}`
  return `${table(['an answer of an identity provider', 'CPU ms', 'slowest round'], cells)}\n\nAt most ${BUDGET.samlMilliseconds} ms for each: ${verdict}.\n`
}

export function startupReport({ starts, ...startup }: StartupResult): string {
  const row = [startup.cpuMilliseconds, startup.cpuMillisecondsAtRest, startup.residentMegabytes]
  const head = ['CPU ms until it listens', 'a second later', 'RSS MiB']
  return `${table(head, [row.map((value) => value.toFixed(0))])}\n\nMedians of ${starts} starts.\n`
}

function pathCells(row: Row): readonly string[] {
  return [
    row.name,
    row.requestsPerSecond.toFixed(0),
    row.p50.toFixed(2),
    row.p99.toFixed(2),
    row.cpuMicrosecondsPerRequest.toFixed(1),
    row.ratio.toFixed(2),
    row.ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    row.residentMegabytes.toFixed(0),
  ]
}

function storeCells({ name, requests, seconds, counts, ...row }: StoreRow): readonly string[] {
  return [
    name,
    String(requests),
    String(counts.sessionReads),
    `${counts.touches} (${counts.touchBatches})`,
    row.operationsPerRequest.toFixed(4),
    row.operationsPerSessionAndSecond.toFixed(2),
    ((counts.otherReads + counts.otherWrites) / seconds).toFixed(0),
  ]
}

function verdict(what: string, value: number, budget: number): string {
  return `${value <= budget ? 'within' : 'OVER'} budget: ${what}: ${value.toFixed(2)} (at most ${Number(budget.toFixed(2))})`
}

/** A Markdown table, its columns padded. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
