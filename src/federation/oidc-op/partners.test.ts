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
    `clients:
${['wiki', 'payroll', 'vault', 'far', 'odd'].map((id) => `  - { id: ${id}, ${web} }\n`).join('')}
  - { id: deaf, name: The Deaf One, ${web}, backchannelLogoutUri: "http://127.0.0.1:9/" }
  - { id: ends, ${web}, postLogoutRedirectUris: ["${RP}/bye"], backchannelLogoutUri: "http://127.0.0.1:9/" }
`,
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

test('after a logout people see who was told, who has not been reached and who cannot be told', async () => {
  const known = async (browser: Browser, ...ids: readonly string[]) => {
    const tokens = []
    for (const id of ids) {
      const rp = await discover(id)
      const { url, checks } = await rp.start()
      tokens.push(await rp.finish(await browser.open(url), checks))
    }
    return tokens
  }
  const rowsOf = ({ body }: Page): readonly string[] =>
    [...body.matchAll(/class="who">([^<]*)<[^]*?class="what">([^<]*)</g)].map(
      ([, who = '', what = '']) => `${who}: ${what}`,
    )
  const alice = await signedIn('alice')
  await known(alice, 'wiki', 'deaf')
  const page = await alice.submit(await alice.open('/logout'), {})
  assert.equal(new URL(page.url).pathname, '/leaving')
  assert.deepEqual(rowsOf(page), ['wiki: Cannot be told', 'The Deaf One: Being told'])

  const bob = await signedIn('bob')
  const [, ends] = await known(bob, 'wiki', 'ends')
  const rp = await discover('ends')
  const hint = { id_token_hint: ends?.id_token ?? '', post_logout_redirect_uri: `${RP}/bye`, state: 's' }
  const asked = await bob.open(openid.buildEndSessionUrl(rp.config, hint).href)
  const back = await bob.submit(asked, { logout: 'yes' })
  assert.equal(back.location, `${RP}/bye?state=s`, 'who asked for it is waited for by nobody')
})

test('a policy about every partner is not about the gateway’s own sites, and is about those of a gateway elsewhere', async () => {
  await gateway.write(
    'realms/staff/policies.yaml',
    'partnerPolicies: [{ name: nobody, partners: ["*"], effect: deny, subject: { type: AuthenticatedUsers } }]\n',
  )
  const origin = gateway.origin.replace('127.0.0.1', 'app.acme.localhost')
  await gateway.write(
    'agent-config/app.yaml',
    `url: ${origin}\nrealm: /staff\nupstream: { servers: [http://127.0.0.1:9] }\nssoOnly: true\nsso: oidc\n`,
  )
  const far = 'https://far.example'
  await gateway.write(
    'agent-config/away.yaml',
    `url: ${far}\nrealm: /staff\nsso: oidc\nclient: { secret: ${SECRET} }\n`,
  )
  const alice = await signedIn('alice')
  const wiki = await alice.open((await (await discover('wiki')).start()).url)
  assert.equal(wiki.status, 403)
  const verifier = openid.randomPKCECodeVerifier()
  const challenge = await openid.calculatePKCECodeChallenge(verifier)
  const at = (client: string, url: string): Promise<Page> => {
    const query = new URLSearchParams({
      ...{ client_id: client, response_type: 'code', scope: 'openid', state: 's', nonce: 'n' },
      ...{ redirect_uri: `${url}/.gatehouse/callback`, code_challenge_method: 'S256', code_challenge: challenge },
    })
    return alice.open(`${gateway.issuer}/authorize?${query.toString()}`)
  }
  const elsewhere = await at('away', far)
  assert.deepEqual([elsewhere.status, answerOf(elsewhere).has('code')], [403, false])
  const site = await at('app', origin)
  assert.ok(
    answerOf(site).has('code'),
    `${site.status} ${site.url} ${String(site.location)} ${site.body.slice(0, 400)}`,
  )
})
