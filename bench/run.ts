import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { measureLogin, type LoginResult } from './login.ts'
import { measurePolicy, type PolicyResult } from './policy.ts'
import { measureRedisSessions, type RedisSessionsResult } from './redis-sessions.ts'
import {
  loginReport,
  policyReport,
  redisSessionsReport,
  requestPathReport,
  revocationReport,
  samlReport,
  startupReport,
} from './report.ts'
import { measureRequestPath, type RequestPathResult } from './request-path.ts'
import { measureRevocation, type Delays } from './revocation.ts'
import type { SamlRow } from './saml.ts'
import { measureStartup, type StartupResult } from './startup.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    count: { type: 'string' },
  },
})

function positive(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error('--seconds, --rounds and --count take a whole number from 1')
  return value
}

interface Report {
  readonly machine: {
    readonly node: string
    readonly processor: string
    readonly cores: number
    readonly load: number[]
  }
  readonly login?: LoginResult
  readonly policy?: PolicyResult
  readonly requestPath?: RequestPathResult
  readonly revocation?: readonly Delays[]
  readonly saml?: readonly SamlRow[]
  readonly sessions?: RedisSessionsResult
  readonly startup?: StartupResult
}

async function run(): Promise<Report> {
  const [first] = cpus()
  const machine = { node: process.version, processor: first?.model ?? '', cores: cpus().length, load: loadavg() }
  if (positionals[0] === 'policy') return { machine, policy: await measurePolicy(positive(values.rounds, 9)) }
  if (positionals[0] === 'saml') {
    const { measureSaml } = await import('./saml.ts')
    return { machine, saml: await measureSaml(positive(values.rounds, 9)) }
  }
  if (positionals[0] === 'login') {
    const options = { seconds: positive(values.seconds, 3), rounds: positive(values.rounds, 5) }
    return { machine, login: await measureLogin(options) }
  }
  if (positionals[0] === 'startup') return { machine, startup: await measureStartup(positive(values.count, 9)) }
  if (positionals[0] === 'sessions') {
    return { machine, sessions: await measureRedisSessions(positive(values.count, 1_000_000)) }
  }
  if (positionals[0] === 'revocation') {
    return { machine, revocation: await measureRevocation(positive(values.count, 1_000)) }
  }
  const [seconds, rounds] = [positive(values.seconds, 1), positive(values.rounds, 9)]
  return { machine, requestPath: await measureRequestPath({ seconds, rounds }) }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const report = await run()
const { machine, login, policy, requestPath, revocation, saml, sessions, startup } = report
process.stdout.write(
  `Node ${machine.node}, ${machine.cores} × ${machine.processor}, load ${machine.load[0]?.toFixed(1)}\n\n`,
)
if (login !== undefined) process.stdout.write(loginReport(login))
if (policy !== undefined) process.stdout.write(policyReport(policy))
if (requestPath !== undefined) process.stdout.write(requestPathReport(requestPath))
if (revocation !== undefined) process.stdout.write(revocationReport(revocation))
if (saml !== undefined) process.stdout.write(samlReport(saml))
if (sessions !== undefined) process.stdout.write(redisSessionsReport(sessions))
if (startup !== undefined) process.stdout.write(startupReport(startup))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
