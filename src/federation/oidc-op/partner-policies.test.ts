import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as openid from 'openid-client'
import { Browser, Rp, SECRET, startGateway, type Gateway, type Page } from './provider.fixture.ts'

const RP = 'https://rp.example'
const web = `secret: ${SECRET}, redirectUris: ["${RP}/cb"], consent: implied`
const POLICIES = `partnerPolicies:
  - { name: payroll-for-bob, partners: [payroll], subject: { type: User, users: [bob] } }
  - { name: vault-strong, partners: [vault], subject: { type: AuthenticatedUsers }, condition: { type: AuthLevel, authLevel: 2 } }
  - { name: unreachable, partners: [far], subject: { type: AuthenticatedUsers }, condition: { type: AuthLevel, authLevel: 7 } }
  - { name: never-met, partners: [odd], subject: { type: AuthenticatedUsers }, condition: { type: AuthAge, maxAge: 1ms } }
`

let gateway: Gateway
before(async () => {
  gateway = await startGateway(
    `clients:\n${['wiki', 'payroll', 'vault', 'far', 'odd'].map((id) => `  - { id: ${id}, ${web} }\n`).join('')}`,
  )
  await gateway.write('realms/staff/policies.yaml', POLICIES)
})
after(() => gateway.close())

const discover = (id: string): Promise<Rp> => Rp.discover(gateway.issuer, id)
const answerOf = (page: Page): URLSearchParams => new URL(page.location ?? 'x:').searchParams
const audited = (event: string): readonly Record<string, unknown>[] =>
  gateway
    .log()
    .split('\n')
    .filter((line) => line.includes(`"${event}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function signedIn(who: string): Promise<Browser> {
  const browser = new Browser(gateway.origin)
  await browser.signIn(await browser.open('/login/staff'), who)
  return browser
}

test('whom no policy lets in is told so here, with the id of the decision, and the client that it is no', async () => {
  const rp = await discover('payroll')
  const alice = await signedIn('alice')
  const { url, checks } = await rp.start()
  const page = await alice.open(url)
  assert.equal(page.status, 403)
  assert.match(page.body, /payroll is not open to you[^]*payroll-for-bob/)
  const denial = audited('PartnerAccessDenied').at(-1)
  const { requestId, username, partner, policies } = denial ?? {}
  assert.deepEqual([username, partner, policies], ['alice', 'payroll', ['payroll-for-bob']])
  assert.ok(page.body.includes(String(requestId)), 'the page has the id that the audit log has')

  const back = answerOf(await alice.submit(page, { decision: 'leave' }))
  assert.deepEqual([back.get('error'), back.has('code')], ['access_denied', false])
  const silent = answerOf(await alice.open((await rp.start({ prompt: 'none' })).url))
  assert.deepEqual([silent.get('error'), silent.has('code')], ['access_denied', false])

  const asBob = await alice.submit(await alice.open(url), { decision: 'another' })
  const tokens = await rp.finish(await alice.signIn(asBob, 'bob'), checks)
  assert.equal(tokens.claims()?.sub, 'u-bob', 'somebody else signs in in their place')
  const wiki = await discover('wiki')
  const free = await wiki.start()
  await wiki.finish(await (await signedIn('alice')).open(free.url), free.checks)
})

test('a level that a policy asks for is asked of the person, once; one that nobody reaches is a no', async () => {
  const rp = await discover('vault')
  const bob = await signedIn('bob')
  assert.equal(answerOf(await bob.open((await rp.start({ prompt: 'none' })).url)).get('error'), 'login_required')
  const { url, checks } = await rp.start()
  const asked = await bob.open(url)
  assert.match(asked.url, /\/login\/staff/)
  const tokens = await rp.finish(await bob.signIn(asked, 'bob'), checks)
  assert.equal(tokens.claims()?.['acr'], '2')
  const again = await rp.start({ prompt: 'none' })
  await rp.finish(await bob.open(again.url), again.checks)

  const far = await (await signedIn('bob')).open((await (await discover('far')).start()).url)
  assert.equal(far.status, 403, 'nobody is sent to a login that cannot help')
  let odd = await bob.open((await (await discover('odd')).start()).url)
  let logins = 0
  for (; odd.status === 200 && logins < 9; logins++) odd = await bob.signIn(odd, 'bob')
  assert.deepEqual([odd.status, logins], [403, 3], 'what no login brings about is no loop')
})

test('a refresh token waits for whom policies do not let in any more', async () => {
  const rp = await discover('payroll')
  const bob = await signedIn('bob')
  const { url, checks } = await rp.start({ scope: 'openid offline_access', prompt: 'consent' })
  const lasting = await rp.finish(await bob.submit(await bob.open(url), { decision: 'allow' }), checks)
  const other = await rp.start()
  const bound = await rp.finish(await bob.open(other.url), other.checks)
  const tokens = [lasting.refresh_token ?? '', bound.refresh_token ?? '']
  await gateway.write('realms/staff/policies.yaml', POLICIES.replace('users: [bob]', 'users: [carol]'))
  for (const token of tokens) {
    await assert.rejects(openid.refreshTokenGrant(rp.config, token), { error: 'invalid_grant' })
  }
  assert.equal(audited('PartnerAccessDenied').at(-1)?.['username'], 'bob')
  await gateway.write('realms/staff/policies.yaml', POLICIES)
  for (const token of tokens) assert.ok((await openid.refreshTokenGrant(rp.config, token)).access_token)
})
