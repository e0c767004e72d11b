import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AgentId, EpochMs, RealmName } from '../base/brand.ts'
import type { Audience } from '../store/store.ts'
import { ask, NAVIGATION, type Answer } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { NOW, profileOf, sessionOf, siteOf, startGateway, tokenOf } from './gateway.fixture.ts'

const CODE = 'c'.repeat(43)
/** Two hours after login, as the session ends (`sessionOf`). */
const END = 'Fri, 15 Jan 2027 10:00:00 GMT'

interface Case {
  readonly title: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly audience: Audience
  /** Name of the cookie, and what it is set with. */
  readonly name: string
  readonly attributes: string
}

const CASES: readonly Case[] = [
  {
    title: 'openam',
    profile: { cookie: { preset: 'openam' } },
    audience: 'agent:app',
    name: 'iPlanetDirectoryPro',
    attributes: 'Path=/; HttpOnly; SameSite=Lax',
  },
  {
    title: 'oracle-10g for a domain',
    profile: { url: 'https://app.test', cookie: { preset: 'oracle-10g', domain: ['other.test', 'app.test'] } },
    audience: 'domain:app.test/ObSSOCookie',
    name: 'ObSSOCookie',
    attributes: 'Domain=app.test; Path=/; HttpOnly; Secure; SameSite=Lax',
  },
  {
    title: 'oracle-11g',
    profile: { url: 'https://app.test', cookie: { preset: 'oracle-11g' } },
    audience: 'agent:app',
    name: '__Host-OAMAuthnCookie_app.test_443',
    attributes: 'Path=/; HttpOnly; Secure; SameSite=Lax',
  },
  {
    title: 'a cookie for frames of other sites',
    profile: { url: 'https://app.test', cookie: { name: 'Framed', sameSite: 'none' } },
    audience: 'agent:app',
    name: '__Host-Framed',
    attributes: 'Path=/; HttpOnly; Secure; SameSite=None',
  },
  {
    title: 'a persistent cookie',
    profile: { cookie: { persistent: true } },
    audience: 'agent:app',
    name: 'SSOTokenID',
    attributes: `Max-Age=7200; Path=/; Expires=${END}; HttpOnly; SameSite=Lax`,
  },
]

async function open(t: TestContext, profile: Readonly<Record<string, unknown>>) {
  const app = await echoApp(t)
  const site = siteOf(profileOf(app.url, profile))
  const rig = await startGateway(t, { sites: [site] })
  const get = (path: string, headers: readonly string[]): Promise<Answer> => ask(rig.port, path, { headers })
  return { app, site, rig, get }
}

/** The attributes of a cookie that is taken away: those it was set with, and a life that is over. */
function cleared(attributes: string): string {
  const kept = attributes.replace(/Max-Age=\d+; |Expires=[^;]*; /g, '')
  return `Max-Age=0; ${kept.replace('Path=/; ', 'Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ')}`
}

for (const { title, profile, audience, name, attributes } of CASES) {
  test(`${title}: the handshake sets the cookie, it opens the site, and sign-out takes exactly that cookie away`, async (t) => {
    const { site, rig, get, app } = await open(t, profile)
    const first = await get('/a', NAVIGATION)
    const binding = `Cookie: ${first.cookies[0]?.split(';')[0] ?? ''}`
    const state = new URL(first.headers.get('location') ?? '').searchParams.get('state') ?? ''
    const session = sessionOf('s1')
    rig.sessions.add(1, session, audience)
    const granted = { agent: 'app' as AgentId, audience, goto: `${site.url}/a`, interactive: false, token: tokenOf(1) }
    rig.grants.set(CODE, { ...granted, binding: state.split('.')[0] ?? '', session })
    const back = await get(`/.gatehouse/callback?code=${CODE}&state=${state}`, [...NAVIGATION, binding])
    assert.equal(back.cookies[0], `${name}=${tokenOf(1)}; ${attributes}`)

    assert.equal((await get('/a', [`Cookie: theirs=1; ${name}="${tokenOf(1)}"`])).status, 200)
    assert.deepEqual(headerValues(app.seen.at(-1)?.headers ?? [], 'cookie'), ['theirs=1'])
    assert.equal((await get('/a', [`Cookie: ${name}=${tokenOf(1)}; ${name}=${tokenOf(2)}`])).status, 401)

    const headers = [`Cookie: ${name}=${tokenOf(1)}`, `Origin: ${site.url}`, 'Sec-Fetch-Site: same-origin']
    const out = await ask(rig.port, '/.gatehouse/logout', { method: 'POST', headers })
    assert.equal(out.cookies[0], `${name}=; ${cleared(attributes)}`)
    assert.deepEqual(rig.sessions.ended, ['s1'])
  })
}

test('an application neither sees nor sets a cookie under the names of a preset, its own or another agent’s', async (t) => {
  const { app, rig, get } = await open(t, { cookie: { preset: 'openam' } })
  rig.sessions.add(1, sessionOf('s1'))
  const names = ['iPlanetDirectoryPro', '__Host-iPlanetDirectoryPro', '__Secure-iPlanetDirectoryPro', 'OtherSSO']
  app.answer = (_, response) => {
    const tries = names.flatMap((name) => [`${name}=evil`, `${name.toUpperCase()}=; Max-Age=0`])
    response.writeHead(200, { 'set-cookie': [...tries, 'theme=dark'] }).end()
  }
  const [own, ...others] = names
  const sent = [`${own}=${tokenOf(1)}`, ...others.map((name) => `${name}=x`), 'theirs=1'].join('; ')
  for (const path of ['/a', '/public/a']) {
    const answer = await get(path, [`Cookie: ${sent}`])
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.cookies, ['theme=dark'])
    assert.deepEqual(headerValues(app.seen.at(-1)?.headers ?? [], 'cookie'), ['theirs=1'])
  }
})

test('a persistent cookie that is renewed ends when the session does, not later', async (t) => {
  const { rig, get } = await open(t, { cookie: { persistent: true } })
  const cookie = rig.sessions.add(1, { ...sessionOf('s1'), stateless: { renewAt: 0 as EpochMs } })
  rig.sessions.renewals.set(tokenOf(1), tokenOf(2))
  rig.now = NOW + 3_600_000
  const { cookies } = await get('/a', [...NAVIGATION, `Cookie: ${cookie}`])
  assert.deepEqual(cookies, [`SSOTokenID=${tokenOf(2)}; Max-Age=3600; Path=/; Expires=${END}; HttpOnly; SameSite=Lax`])
})

test('a session of another realm is none below /.gatehouse/: nobody is named, and sign-out ends nothing', async (t) => {
  const { site, rig, get } = await open(t, {})
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('s1', { realm: '/customers' as RealmName }))}`
  assert.equal((await get('/.gatehouse/whoami', [cookie])).status, 401)
  const headers = [cookie, `Origin: ${site.url}`, 'Sec-Fetch-Site: same-origin']
  await ask(rig.port, '/.gatehouse/logout', { method: 'POST', headers })
  assert.deepEqual(rig.sessions.ended, [])
})
