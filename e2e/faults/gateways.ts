import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { RedisSettings } from '../../src/store/redis/settings.ts'
import { startEchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'
import { until } from '../until.ts'

/** Nobody signs in by password here: the hash is none of any password. */
const NO_PASSWORD = '$argon2id$v=19$m=19456,t=2,p=1$Ct5/NApYlorwWm0FdFZs7A$WTgrr3wuZU8iNkdxN4oFpSGNfo8r6uRsH23zuDWI4Xk'

/** Two processes with one configuration, in front of one application. */
export interface Gateways {
  readonly ports: readonly number[]
  /** Ends one with this signal and starts it again on its port. */
  restart(index: number, signal: NodeJS.Signals): Promise<void>
  /** Settles when both say that they are ready. */
  ready(): Promise<void>
  stop(): Promise<void>
}

function storeYaml({ mode, nodes, primary }: RedisSettings): string {
  const names = nodes.map(({ host, port }) => `${host}:${port}`)
  return `store: ${JSON.stringify({ redis: { mode, nodes: names, ...(primary === undefined ? {} : { primary }) } })}`
}

async function isReady(port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}/readyz`
  return new Promise((resolve) => {
    get(url, { headers: { host: `login.acme.test:${port}` }, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}

export async function startGateways(settings: RedisSettings, usernames: readonly string[]): Promise<Gateways> {
  const app = await startEchoApp()
  const files = {
    'agent-config/gatehouse.yaml': gatehouseYaml().replace('store: { path: .gatehouse/cts.db }', storeYaml(settings)),
    'agent-config/app.yaml': agentYaml('app', app.url),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml(usernames.map((username) => ({ username, hash: NO_PASSWORD }))),
  }
  const env = { MASTER_KEY: randomBytes(32).toString('base64url') }
  const rigs: OwnRig[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(rigs.map((rig) => rig.stop()))
    await app.close()
  }
  try {
    for (let i = 0; i < 2; i++) rigs.push(await startOwnRig({ files, env }))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    ports: rigs.map(({ port }) => port),
    async restart(index, signal) {
      const old = rigs[index]
      if (old === undefined) return
      old.kill(signal)
      await old.stop()
      rigs[index] = await startOwnRig({ files, env, port: old.port })
    },
    ready: async () => {
      for (const { port } of rigs) await until('it is ready', () => isReady(port), { withinMs: 60_000 })
    },
    stop,
  }
}
