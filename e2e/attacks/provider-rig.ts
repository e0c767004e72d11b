import { hashSync } from '@node-rs/argon2'
import assert from 'node:assert/strict'
import { liarConfig, startLiar, type Liar } from '../../src/federation/oidc-rp/liar.fixture.ts'
import type { Answer, Client } from '../client.ts'
import { startEchoApp, type EchoApp } from '../echo-app.ts'
import { createMovableClock } from '../movable-clock.ts'
import { agentYaml, gatehouseYaml, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

/** A gateway whose people sign in by providers that lie. */
export interface ProviderRig {
  readonly rig: OwnRig
  readonly app: EchoApp
  /** `corp` in the configuration. */
  readonly corp: Liar
  /** `other`: gives the same names to other people. */
  readonly other: Liar
  readonly login: string
  readonly site: string
  /** Known by the names of `BROKEN`. */
  readonly broken: Liar
  /** The button of a provider on the login page. */
  press(client: Client, provider: string): Promise<Answer>
  /** The same, and the address at the provider that it leads to. */
  depart(client: Client, provider?: string): Promise<string>
  /** The browser comes back with this query. */
  arrive(client: Client, query: string, provider?: string): Promise<Answer>
  /** Whether the browser has a session that opens the site. */
  isSignedIn(client: Client): Promise<boolean>
  moveClock(ms: number): Promise<void>
  close(): Promise<void>
}

const LOGIN = 'login.acme.test'

export async function startProviderRig(): Promise<ProviderRig> {
  const [corp, other, broken, app] = await Promise.all([startLiar(), startLiar(), startLiar(), startEchoApp()])
  const bySub = (is: string) => ({ link: { claim: 'sub', is } })
  const identityProviders = {
    corp: liarConfig(corp, { ...bySub('externalId'), userinfo: true, keepTokens: true, domains: ['company.com'] }),
    other: liarConfig(other, { title: 'Other', ...bySub('otherId') }),
    'by-mail': liarConfig(corp, { title: 'Mail', link: { claim: 'email', is: 'mail' } }),
    ...Object.fromEntries(BROKEN.map((name) => [name, liarConfig(broken, { title: name, ...bySub('brokenId') })])),
  }
  const names = Object.keys(identityProviders)
  const modules = Object.fromEntries(names.map((provider) => [provider, { type: 'oidc', provider }]))
  const clock = createMovableClock()
  const rig = await startOwnRig({
    env: { ...clock.env, NODE_OPTIONS: clock.flag },
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', app.url, 'ssoOnly: true\ncallsLoginHost: true\n'),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify({
        identityProviders,
        authentication: {
          modules: { password: { type: 'password' }, ...modules },
          chains: {
            default: [{ module: 'password', or: names, criteria: 'REQUISITE' }],
            alone: [{ module: 'corp', criteria: 'REQUISITE' }],
          },
        },
      }),
      'realms/staff/users.yaml': usersYaml([
        { username: 'alice', hash: cheapHash(), attributes: { externalId: 'alice', mail: 'ceo@company.com' } },
        { username: 'alicia', hash: cheapHash(), attributes: { otherId: 'alice' } },
      ]),
    },
  })
  const login = `http://${LOGIN}:${rig.port}`
  const site = `http://app.acme.test:${rig.port}`
  const press = async (client: Client, name: string): Promise<Answer> => {
    const page = await client.call(`${login}/login/staff`)
    assert.equal(page.status, 200, page.body)
    const authId = /name="authId" value="([\w.-]+)"/.exec(page.body)?.[1] ?? ''
    return client.call(`${login}/login/staff`, { form: { authId, stage: 'password', choose: name } })
  }

  return {
    rig,
    app,
    corp,
    other,
    broken,
    login,
    site,
    press,
    async depart(client, name = 'corp') {
      const away = await press(client, name)
      const [, url] = /^0; url=(.+)$/.exec(String(away.headers['refresh'])) ?? []
      assert.ok(url !== undefined, away.body)
      return url
    },
    arrive: (client, query, name = 'corp') =>
      client.call(`${login}/oidc/staff/${name}/callback?${query}`, { headers: { 'sec-fetch-site': 'cross-site' } }),
    async isSignedIn(client) {
      const before = app.seen.length
      const answer = await client.open(`${site}/x`)
      return answer.status === 200 && app.seen.length > before
    },
    moveClock: (ms) => clock.move(rig.pid, ms),
    async close() {
      assert.equal(await rig.stop(), 0)
      clock.dispose()
      await Promise.all([corp.close(), other.close(), broken.close(), app.close()])
    },
  }
}

/** Names under which the gateway knows one provider of which nothing is right, each with a memory of its own. */
export const BROKEN = ['wrong-issuer', 'plain-http', 'huge', 'no-keys'] as const

function cheapHash(): string {
  return hashSync('not used', { memoryCost: 8, timeCost: 1, parallelism: 1, outputLen: 32 })
}
