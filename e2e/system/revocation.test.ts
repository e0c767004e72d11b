import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { RealmName } from '../../src/base/brand.ts'
import { Client } from '../client.ts'
import { until } from '../until.ts'
import { policiesYaml, startScene, urlAt, type Kind, type Person, type Scene } from './revocation-scene.ts'

/** The promise is one second, which the bench shows; the rest is for a machine that does other things, too. */
const BOUND_MS = 30_000
const NOBODY = { requestId: undefined, clientIp: undefined }
const STAFF = '/staff' as RealmName

interface Revocation {
  readonly title: string
  readonly username: string
  readonly site?: string
  /** Settles when the person who asked for it was answered, when the change is in force, or when the time is over. */
  readonly revoke: (scene: Scene, person: Person) => Promise<unknown>
  /** What the site answers afterwards; 401 where none is given. */
  readonly status?: number
  /** What the audit log has; nothing where the session itself goes on. */
  readonly cause?: string
  /** The session goes on with other secrets: only the old ones are dead. */
  readonly goesOn?: boolean
}

const asScript = (cookie: string) => ({
  headers: { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', cookie },
})

async function formFor(person: Person, url: string) {
  const page = await person.client.open(url)
  assert.match(page.body, /type="password"/)
  return page
}

function change(scene: Scene, username: string, to: object | undefined): Promise<void> {
  const user = scene.users.get(username)
  if (user !== undefined && to !== undefined) scene.users.set(username, { ...user, ...to })
  else scene.users.delete(username)
  return scene.changeConfig(scene.usersFile())
}

const REVOCATIONS: readonly Revocation[] = [
  {
    title: 'logout at the login host',
    username: 'lou',
    revoke: ({ rigs: [first] }, { client }) => client.call(urlAt(first, 'login', '/logout'), { form: {} }),
    cause: 'logout',
  },
  {
    title: 'logout at a site',
    username: 'sid',
    revoke: ({ rigs: [first] }, { client }) => client.call(urlAt(first, 'app', '/.gatehouse/logout'), { form: {} }),
    cause: 'logout',
  },
  {
    title: 'an administrator ends it in a process of their own',
    username: 'ada',
    revoke: async ({ outside }) => {
      const [session] = await outside.ofUser({ realm: STAFF, userId: 'ada' })
      assert.ok(session && (await outside.end(session.sid, 'admin', NOBODY)))
    },
    cause: 'admin',
  },
  {
    title: 'all sessions of a user are ended',
    username: 'ann',
    revoke: async ({ outside }) =>
      assert.equal(await outside.endAllOfUser({ realm: STAFF, userId: 'ann' }, 'admin', NOBODY), 1),
    cause: 'admin',
  },
  {
    title: 'all sessions of a realm are ended by the command line',
    username: 'lou',
    revoke: ({ revoke }) => revoke('--realm', '/staff', '--all'),
    cause: 'admin',
  },
  {
    title: 'a login that the quota makes room for',
    username: 'quin',
    revoke: async ({ rigs: [first] }) => {
      const client = new Client()
      const home = await client.signIn(await client.open(urlAt(first, 'app')), 'quin', 'a-password')
      assert.equal(home.status, 200)
    },
    cause: 'quota',
  },
  {
    title: 'a step-up',
    username: 'uma',
    revoke: async ({ rigs: [first] }, person) => {
      const page = await formFor(person, urlAt(first, 'app', '/strong'))
      assert.equal((await person.client.signIn(page, 'uma', 'a-password')).status, 200)
    },
    goesOn: true,
  },
  {
    title: 'signing in to another realm',
    username: 'rae',
    revoke: async ({ rigs: [first] }, person) => {
      const page = await formFor(person, urlAt(first, 'guest'))
      assert.equal((await person.client.signIn(page, 'gus', 'a-password')).status, 200)
    },
    cause: 'realm-switch',
  },
  {
    title: 'somebody else signing in with the same browser',
    username: 'pat',
    revoke: async ({ rigs: [first] }, person) => {
      const goto = encodeURIComponent(urlAt(first, 'app'))
      const page = await formFor(person, urlAt(first, 'login', `/login/staff?ForceAuth=true&goto=${goto}`))
      assert.equal((await person.client.signIn(page, 'don', 'a-password')).status, 200)
    },
    cause: 'replaced',
  },
  {
    title: 'maximum life',
    username: 'lou',
    site: 'brief',
    revoke: (scene) => scene.passTime(),
    cause: 'max-life',
  },
  {
    title: 'idle time',
    username: 'lou',
    site: 'idle',
    revoke: async (scene, { socket }) => {
      // While it is open it counts as use.
      socket.close()
      await until('it is closed', () => !socket.isOpen)
      await scene.passTime()
    },
    cause: 'idle',
  },
  {
    title: 'the user is disabled',
    username: 'dis',
    revoke: (scene) => change(scene, 'dis', { disabled: true }),
    cause: 'user-disabled',
  },
  {
    title: 'the user is removed',
    username: 'rem',
    revoke: (scene) => change(scene, 'rem', undefined),
    cause: 'user-removed',
  },
  {
    title: 'the user is renamed',
    username: 'ren',
    revoke: (scene) => change(scene, 'ren', { id: 'ren', username: 'rena' }),
    cause: 'user-changed',
  },
  {
    title: 'the user loses a group that the policy asks for',
    username: 'gus',
    revoke: (scene) => change(scene, 'gus', { groups: [] }),
    status: 403,
  },
  {
    title: 'the user loses a group, where a change of groups ends sessions',
    username: 'lou',
    site: 'club',
    revoke: (scene) => scene.changeConfig(scene.usersFile('club', [])),
    cause: 'groups-changed',
  },
  {
    title: 'the policy denies',
    username: 'don',
    site: 'door',
    revoke: (scene) => scene.changeConfig({ 'realms/staff/policies.yaml': policiesYaml('deny') }),
    status: 403,
  },
  {
    title: 'the site is removed',
    username: 'wim',
    site: 'wiki',
    revoke: (scene) => scene.changeConfig({}, ['agent-config/wiki.yaml']),
    status: 421,
  },
  {
    title: 'the realm is removed',
    username: 'wim',
    site: 'doomed',
    revoke: (scene) => scene.changeConfig({}, ['agent-config/doomed.yaml', 'realms/doomed']),
    status: 421,
    cause: 'realm-removed',
  },
]

/** What both processes say to the secrets of the moment of signing in. */
async function isRefused({ rigs }: Scene, person: Person, { status = 401, goesOn, cause }: Revocation) {
  const anybody = new Client()
  const answers = await Promise.all(
    rigs.map(async (rig) => {
      const site = await anybody.call(urlAt(rig, person.site), asScript(person.siteCookies))
      const home = await anybody.call(urlAt(rig, 'login'), { headers: { cookie: person.loginCookies } })
      const isKnown = home.body.includes(`signed in as ${person.username}`)
      return site.status === status && isKnown === (cause === undefined && goesOn !== true)
    }),
  )
  return answers.every(Boolean)
}

/** Each store and each kind of session once; the other pair in `npm run verify`. */
const KINDS: readonly Kind[] = [
  { driver: 'embedded', mode: 'cts' },
  { driver: 'redis', mode: 'stateless' },
  ...(process.env['SYSTEM'] === 'all' ? [{ driver: 'redis', mode: 'cts' } as const] : []),
]

for (const kind of KINDS) {
  suite(
    `two gateways on one store (${kind.driver}, sessions ${kind.mode}): what was revoked is refused by both, and its WebSocket ends`,
    () => {
      let scene: Scene
      before(async () => {
        scene = await startScene(kind)
      })
      after(() => scene.close())

      for (const revocation of REVOCATIONS) {
        const { title, username, site = 'app', revoke, cause, goesOn } = revocation
        test(title, { timeout: 110_000 }, async (t) => {
          let person = await scene.signIn(username, site)
          // A machine may be so busy that the time of a brief session is over before it was used.
          await until('both let them in', async () => {
            if (!(await isRefused(scene, person, revocation))) return true
            person = await scene.signIn(username, site)
            return false
          })
          await revoke(scene, person)
          const took = await until(
            'both refuse it and the WebSocket is closed',
            async () => (await isRefused(scene, person, revocation)) && person.socket.isOpen === (goesOn === true),
            { withinMs: BOUND_MS },
          )
          t.diagnostic(`${took.toFixed(0)} ms`)
          if (cause !== undefined) {
            await until('it is audited with its cause', () => scene.causes(username).includes(cause))
          } else assert.deepEqual(scene.causes(username), [], 'the session itself goes on')
          person.socket.close()
        })
      }
    },
  )
}
