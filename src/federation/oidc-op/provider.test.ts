import { hashSync } from '@node-rs/argon2'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify, createRemoteJWKSet } from 'jose'
import * as openid from 'openid-client'
import type { RealmName } from '../../base/brand.ts'
import { selfSignedCertificate } from '../../crypto/x509/self-signed.ts'
import { consentEpochKey, passwordEpochKey } from '../../session/lasting-epochs.ts'
import { Browser, Rp, SECRET, startGateway, type Gateway, type Page } from './provider.fixture.ts'

const HASHED = 'the-secret-that-only-its-hash-is-known-of'
const RP = 'https://rp.example'
const STAFF = '/staff' as RealmName

/** A client's server that hears of ends. */
const told: string[] = []
const backChannel = createServer((request, response) => {
  void text(request).then((body) => {
    told.push(new URLSearchParams(body).get('logout_token') ?? '')
    response.writeHead(204).end()
    backChannel.emit('told')
  })
})
const keys = await generateKeyPair('ES256')
const [certified, strange] = [await certificate(), await certificate()]

/** A key with the certificate that it made for itself, and how a proxy in front names it (RFC 9440). */
async function certificate() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const der = selfSignedCertificate(privateKey, { name: 'rp', notBefore: 0, notAfter: Date.now() + 60_000 })
  const x5c = [der.toString('base64')]
  return { jwk: { ...(await exportJWK(publicKey)), x5c }, header: { 'client-cert': `:${x5c.join('')}:` } }
}

function clients(more = '', registration = ''): string {
  const { port } = backChannel.address() as AddressInfo
  const web = `secret: ${SECRET}, redirectUris: ["${RP}/cb"]`
  return `clients:
  - { id: wiki, ${web}, consent: implied, postLogoutRedirectUris: ["${RP}/bye"] }
  - { id: other, ${web}, consent: implied }
  - { id: asks, name: The Asking App, ${web} }
  - { id: told, ${web}, consent: implied, backchannelLogoutUri: "http://127.0.0.1:${port}/logout" }
  - { id: hashed, secretHash: "${hashSync(HASHED, { memoryCost: 8, timeCost: 1 })}", redirectUris: ["${RP}/cb"], consent: implied }
  - { id: keyed, jwks: { keys: [${JSON.stringify(publicKey)}] }, redirectUris: ["${RP}/cb"], consent: implied, idTokenAlg: ES256 }
  - { id: spa, authMethod: none, redirectUris: ["${RP}/cb"], consent: implied, requireDpop: true }
  - { id: pushes, ${web}, consent: implied, requirePar: true }
  - { id: tv, name: A Television, authMethod: none, grants: [device_code, refresh_token], consent: implied }
  - { id: app, type: native, authMethod: none, redirectUris: ["com.example.app:/cb", "http://localhost/cb"] }
  - { id: guessed, ${web} }
  - { id: little, ${web}, scopes: [openid, email] }
  - { id: apart, ${web}, consent: implied, subject: pairwise, postLogoutRedirectUris: ["${RP}/bye"] }
  - { id: together, ${web}, consent: implied, subject: pairwise, backchannelLogoutUri: "http://127.0.0.1:${port}/logout" }
  - { id: many, ${web}, consent: implied, subject: pairwise, sector: many.example }
  - { id: bycert, authMethod: self_signed_tls_client_auth, jwks: { keys: [${JSON.stringify(certified.jwk)}] }, redirectUris: ["${RP}/cb"], consent: implied, requireCertificate: true }
  - { id: server, secret: ${SECRET}, redirectUris: ["${RP}/cb"], introspects: all }
${more}pairwiseSalt: a-salt-that-nobody-else-has-0123456789
acr: [{ name: "urn:acme:strong", level: 2 }]
${registration}`
}

let gateway: Gateway
const publicKey = await exportJWK(keys.publicKey)
before(async () => {
  await once(backChannel.listen(0, '127.0.0.1'), 'listening')
  gateway = await startGateway(clients())
})
after(async () => {
  backChannel.close()
  await gateway.close()
})

const discover = (id: string, auth?: openid.ClientAuth): Promise<Rp> =>
  Rp.discover(gateway.issuer, id, auth === undefined ? {} : { auth })

/** Somebody signed in at a client, with its tokens. */
async function signedIn(id: string, who = 'alice', more: Readonly<Record<string, string>> = {}) {
  const rp = await discover(id)
  const browser = new Browser(gateway.origin)
  const { url, checks } = await rp.start(more)
  const back = await browser.signIn(await browser.open(url), who)
  const tokens = await rp.finish(back, checks)
  return { rp, browser, tokens }
}

const errorAt = (page: Page): string | null => new URL(page.location ?? 'x:').searchParams.get('error')

async function refused(promise: Promise<unknown>, error: string): Promise<void> {
  await assert.rejects(promise, (caught: unknown) => {
    const { error: code } = caught as { readonly error?: string }
    assert.equal(code, error)
    return true
  })
}

const isActive = async (rp: Rp, token: string): Promise<boolean> =>
  (await openid.tokenIntrospection(rp.config, token)).active

test('a login at one client tells it who it is, and the next one needs no other; none that is not signed in is', async () => {
  const nobody = new Browser(gateway.origin)
  const rp = await discover('wiki')
  assert.equal(errorAt(await nobody.open((await rp.start({ prompt: 'none' })).url)), 'login_required')
  const { url, checks } = await rp.start()
  const page = await nobody.open(url)
  assert.match(page.body, /continue to wiki/i, 'the page says where the person is going')
  assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/rp\.example/)
  const tokens = await rp.finish(await nobody.signIn(page, 'alice'), checks)
  const { nonce: _, iat: __, exp: ___, auth_time: at, sid, ...told } = tokens.claims() ?? assert.fail()
  assert.deepEqual(told, { sub: 'u-alice', acr: '1', amr: ['pwd'], aud: 'wiki', iss: gateway.issuer })
  assert.ok(typeof at === 'number' && typeof sid === 'string')
  assert.deepEqual(await openid.fetchUserInfo(rp.config, tokens.access_token, 'u-alice'), {
    ...{ sub: 'u-alice', name: 'Alice Example', preferred_username: 'alice' },
    ...{ email: 'alice@acme.example', groups: ['staff'] },
  })
  const other = await discover('other')
  const second = await other.start({ prompt: 'none' })
  const silent = await other.finish(await nobody.open(second.url), second.checks)
  assert.equal(silent.claims()?.sub, 'u-alice')
  assert.notEqual(silent.claims()?.['sid'], sid, 'clients cannot compare what they know the session by')
  assert.ok(![...nobody.cookies.values()].some(({ name }) => name === 'GatehouseOp'), 'there is no second session')
})

test('acr_values, max_age and prompt=login ask for more, and nothing less is told', async () => {
  const { rp, browser } = await signedIn('wiki', 'bob')
  const strong = await rp.start({ acr_values: 'urn:acme:strong' })
  const asked = await browser.open(strong.url)
  assert.equal(asked.status, 200, 'a stronger login is asked for')
  const stepped = await rp.finish(await browser.signIn(asked, 'bob'), strong.checks)
  assert.equal(stepped.claims()?.['acr'], 'urn:acme:strong')
  const again = await rp.start({ acr_values: '2' })
  const byNumber = await rp.finish(await browser.open(again.url), again.checks)
  assert.equal(
    byNumber.claims()?.['acr'],
    '2',
    'what is proved is not asked again, and is called what it was asked for by',
  )
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['9'] } } })
  assert.equal(errorAt(await browser.open((await rp.start({ claims })).url)), 'unmet_authentication_requirements')
  assert.equal(errorAt(await browser.open((await rp.start({ prompt: 'none', max_age: '0' })).url)), 'login_required')

  const fresh = await rp.start({ prompt: 'login' })
  const form = await browser.open(fresh.url)
  assert.equal(form.status, 200, 'a session is not enough')
  // Straight back without having proved anything.
  const skipped = await browser.open(decodeURIComponent(/goto=([^&"]*)/.exec(form.url)?.[1] ?? ''))
  assert.equal(skipped.status, 200)
  assert.match(skipped.url, /\/login\/staff/)
  const before = stepped.claims()?.['auth_time'] as number
  const proved = await rp.finish(await browser.signIn(skipped, 'bob'), { ...fresh.checks, maxAge: 60 })
  assert.ok((proved.claims()?.['auth_time'] as number) >= before)
  const young = await rp.start({ max_age: '3600' })
  await rp.finish(await browser.open(young.url), { ...young.checks, maxAge: 3_600 })
})

test('who a request is for is who it is answered for', async () => {
  const { rp, browser, tokens } = await signedIn('wiki')
  const alices = tokens.id_token ?? ''
  const bobs = await signedIn('wiki', 'bob')
  const hint = { id_token_hint: bobs.tokens.id_token ?? '' }
  assert.equal(errorAt(await browser.open((await rp.start({ ...hint, prompt: 'none' })).url)), 'login_required')
  const form = await browser.open((await rp.start(hint)).url)
  assert.equal(form.status, 200)
  const stays = await browser.signIn(form, 'alice')
  assert.equal(errorAt(stays), 'login_required', 'somebody else will not do')
  const { url, checks } = await rp.start(hint)
  const switched = await rp.finish(await browser.signIn(await browser.open(url), 'bob'), checks)
  assert.equal(switched.claims()?.sub, 'u-bob', 'the browser has changed hands: a session of bob’s')
  const forged = { id_token_hint: `${alices.slice(0, -6)}AAAAAA`, prompt: 'none' }
  assert.equal(errorAt(await browser.open((await rp.start(forged)).url)), 'invalid_request')
})

test('a login that was proved is gone on with in its own session alone', async () => {
  for (const next of ['bob', undefined]) {
    const browser = new Browser(gateway.origin)
    const { url } = await (await discover('wiki')).start()
    const proved = await browser.signIn(await browser.open(url), 'alice', (path) => path.includes('/authorize/'))
    await browser.submit(await browser.open('/logout'), {})
    if (next !== undefined) await browser.signIn(await browser.open('/login/staff'), next)
    const late = await browser.open(proved.location ?? '')
    assert.deepEqual([late.status, late.location], [400, undefined], late.body)
    assert.match(late.body, /The application’s request could not be answered/)
  }
})

test('consent is asked once, for what is asked, of who is asked, and a no is one', async () => {
  const rp = await discover('asks')
  const browser = new Browser(gateway.origin)
  const first = await rp.start({ scope: 'openid profile' })
  const page = await browser.signIn(await browser.open(first.url), 'carol')
  assert.match(page.body, /The Asking App/)
  assert.match(page.body, /Your name/)
  const action = /action="([^"]+)"/.exec(page.body)?.[1] ?? ''
  const foreign = await browser.call(
    action,
    { decision: 'allow' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  )
  assert.equal(foreign.status, 403)
  const thief = new Browser(gateway.origin)
  await thief.signIn(await thief.open((await rp.start()).url), 'bob')
  assert.equal((await thief.call(action, { decision: 'allow' })).status, 400, 'nobody answers for another browser')
  assert.equal(errorAt(await browser.submit(page, { decision: 'deny' })), 'access_denied')

  const second = await rp.start({ scope: 'openid profile' })
  const tokens = await rp.finish(
    await browser.submit(await browser.open(second.url), { decision: 'allow' }),
    second.checks,
  )
  assert.equal(tokens.scope, 'openid profile')
  const later = new Browser(gateway.origin)
  const third = await rp.start({ scope: 'openid profile' })
  const remembered = await later.signIn(await later.open(third.url), 'carol')
  await rp.finish(remembered, third.checks)
  const more = await later.open((await rp.start({ scope: 'openid profile email' })).url)
  assert.match(more.body, /Your e-mail address/, 'what is new is asked')
  assert.equal(
    errorAt(await later.open((await rp.start({ scope: 'openid profile email', prompt: 'none' })).url)),
    'consent_required',
  )
})

test('single claims are told within the scopes of a client, and asked for like those', async () => {
  const rp = await discover('little')
  const browser = new Browser(gateway.origin)
  const wish = { email: null, name: null, groups: null }
  const more = { scope: 'openid', claims: JSON.stringify({ userinfo: wish, id_token: wish }) }
  const { url, checks } = await rp.start(more)
  const page = await browser.signIn(await browser.open(url), 'alice')
  assert.match(page.body, /Who you are here[^]*Your e-mail address/)
  assert.doesNotMatch(page.body, /Your name|groups/)
  const tokens = await rp.finish(await browser.submit(page, { decision: 'allow' }), checks)
  for (const told of [tokens.claims(), await openid.fetchUserInfo(rp.config, tokens.access_token, 'u-alice')]) {
    assert.deepEqual([told?.['email'], told?.['name'], told?.['groups']], ['alice@acme.example', undefined, undefined])
  }
})

test('a page without an origin is no page of a client', async () => {
  const ask = (origin: string): Promise<Response> =>
    fetch(`${gateway.issuer}/access_token`, {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams({ client_id: 'app', grant_type: 'authorization_code' }),
    })
  const allowed = async (origin: string): Promise<unknown> => {
    const answer = await ask(origin)
    await answer.arrayBuffer()
    return answer.headers.get('access-control-allow-origin')
  }
  assert.deepEqual([await allowed('null'), await allowed('http://localhost')], [null, 'http://localhost'])
})

test('refresh tokens are good once; one that comes back ends all that came of it', async () => {
  const { rp, tokens } = await signedIn('wiki')
  const first = tokens.refresh_token ?? ''
  const next = await openid.refreshTokenGrant(rp.config, first)
  assert.ok(next.refresh_token !== undefined && next.refresh_token !== first)
  await refused(openid.refreshTokenGrant(rp.config, next.refresh_token, { scope: 'openid phone' }), 'invalid_scope')
  await refused(openid.refreshTokenGrant(rp.config, first), 'invalid_grant')
  await refused(openid.refreshTokenGrant(rp.config, next.refresh_token), 'invalid_grant')
  assert.equal(await isActive(rp, next.access_token), false)

  const again = await signedIn('wiki')
  const races = Array.from({ length: 8 }, () =>
    openid.refreshTokenGrant(again.rp.config, again.tokens.refresh_token ?? ''),
  )
  const won = (await Promise.allSettled(races)).filter(({ status }) => status === 'fulfilled')
  assert.ok(won.length <= 1, `${won.length} families came of one token`)
})

test('a code is good once, for its client, with its verifier, while its session lives', async () => {
  const rp = await discover('wiki')
  const browser = new Browser(gateway.origin)
  await browser.signIn(await browser.open((await rp.start()).url), 'alice')
  const arrive = async () => {
    const { url, checks } = await rp.start()
    return { back: await browser.open(url), checks }
  }
  const twice = await arrive()
  const tokens = await rp.finish(twice.back, twice.checks)
  await refused(rp.finish(twice.back, twice.checks), 'invalid_grant')
  assert.equal(await isActive(rp, tokens.access_token), false, 'what came of it is worth nothing any more')

  const race = await arrive()
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => rp.finish(race.back, race.checks)))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)

  const theirs = await arrive()
  await refused((await discover('other')).finish(theirs.back, theirs.checks), 'invalid_grant')
  const wrong = await arrive()
  await refused(
    rp.finish(wrong.back, { ...wrong.checks, pkceCodeVerifier: openid.randomPKCECodeVerifier() }),
    'invalid_grant',
  )
  const late = await arrive()
  await browser.submit(await browser.open('/logout'), {})
  await refused(rp.finish(late.back, late.checks), 'invalid_grant')
})

test('with the session ends what clients have at once, and offline_access with the user', async () => {
  const { rp, browser, tokens } = await signedIn('wiki', 'erin')
  const offline = await rp.start({ scope: 'openid offline_access', prompt: 'consent' })
  const back = await browser.submit(await browser.open(offline.url), { decision: 'allow' })
  const lasting = await rp.finish(back, offline.checks)
  const session = await rp.start()
  const bound = await rp.finish(await browser.open(session.url), session.checks)
  assert.equal(await isActive(rp, bound.access_token), true)
  assert.equal(await isActive(rp, tokens.access_token), false, 'the newer grant has taken its place')
  await browser.submit(await browser.open('/logout'), {})
  assert.equal(await isActive(rp, bound.access_token), false)
  await assert.rejects(openid.fetchUserInfo(rp.config, bound.access_token, 'u-erin'))
  await refused(openid.refreshTokenGrant(rp.config, bound.refresh_token ?? ''), 'invalid_grant')
  const renewed = await openid.refreshTokenGrant(rp.config, lasting.refresh_token ?? '')
  assert.equal(await isActive(rp, renewed.access_token), true)
  const { sub } = await openid.fetchUserInfo(rp.config, renewed.access_token, 'u-erin')
  assert.equal(sub, 'u-erin')
  await gateway.setUser('erin', { disabled: true })
  assert.equal(await isActive(rp, renewed.access_token), false)
  await refused(openid.refreshTokenGrant(rp.config, renewed.refresh_token ?? ''), 'invalid_grant')
  await gateway.setUser('erin', { disabled: false })
  assert.equal(await isActive(rp, renewed.access_token), false, 'who was disabled signs in again')
})

test('offline_access ends with the user also where its client is silent meanwhile', async () => {
  const { rp, browser } = await signedIn('wiki', 'dan')
  const { url, checks } = await rp.start({ scope: 'openid offline_access', prompt: 'consent' })
  const lasting = await rp.finish(await browser.submit(await browser.open(url), { decision: 'allow' }), checks)
  await browser.submit(await browser.open('/logout'), {})
  assert.equal(await isActive(rp, lasting.access_token), true)
  await signedIn('told', 'dan')
  const ended = once(backChannel, 'told')
  await gateway.setUser('dan', { disabled: true })
  await ended
  await gateway.setUser('dan', { disabled: false })
  assert.equal(await isActive(rp, lasting.access_token), false)
  await refused(openid.refreshTokenGrant(rp.config, lasting.refresh_token ?? ''), 'invalid_grant')
})

/** What an application may do beyond the session that it was let in. */
async function lasting(rp: Rp, browser: Browser) {
  const { url, checks } = await rp.start({ scope: 'openid offline_access', prompt: 'consent' })
  return rp.finish(await browser.submit(await browser.open(url), { decision: 'allow' }), checks)
}

test('with another password ends what outlives sessions; the session goes on, and what came of it', async () => {
  const { rp, browser } = await signedIn('wiki', 'carol')
  const offline = await lasting(rp, browser)
  const other = await discover('other')
  const { url, checks } = await other.start()
  const bound = await other.finish(await browser.open(url), checks)
  await gateway.withStore(({ epochs }) => epochs.raise(passwordEpochKey({ realm: STAFF, userId: 'u-carol' })))
  assert.equal(await isActive(rp, offline.access_token), false)
  assert.equal(await isActive(other, bound.access_token), true)
  await refused(openid.refreshTokenGrant(rp.config, offline.refresh_token ?? ''), 'invalid_grant')
  assert.equal(await isActive(rp, (await lasting(rp, browser)).access_token), true, 'who agrees anew is asked anew')
})

test('what a person has agreed to they see, and take back: all of it ends, and of nobody and nothing else', async () => {
  const [alice, bob] = [await signedIn('wiki', 'alice'), await signedIn('wiki', 'bob')]
  const shown = async ({ browser }: { readonly browser: Browser }) => (await browser.open('/account')).body
  assert.doesNotMatch(await shown(bob), /name="application"/, 'what is implied nobody has agreed to')
  const [offline, bobs] = [await lasting(alice.rp, alice.browser), await lasting(bob.rp, bob.browser)]
  const other = await signedIn('other', 'alice')
  const back = await alice.rp.start()
  const waiting = await alice.browser.open(back.url)
  const second = await signedIn('wiki', 'alice')

  const page = await shown(alice)
  assert.match(page, /name="application" value="wiki"/)
  assert.match(page, /All this also while you are not signed in/)
  const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal((await alice.browser.call('/account', { application: 'wiki' }, foreign)).status, 403)
  assert.equal(await isActive(alice.rp, offline.access_token), true)
  const gone = await alice.browser.open('/account', { application: 'wiki' })
  assert.equal(gone.status, 200)
  assert.doesNotMatch(gone.body, /name="application" value="wiki"/)
  assert.match(gateway.log(), /OidcConsentWithdrawn/)

  const audited = (): number => gateway.log().split('OidcConsentWithdrawn').length
  const before = audited()
  for (const application of ['nobody', '__proto__', 'constructor', 'x'.repeat(3_000)]) {
    assert.equal((await alice.browser.open('/account', { application })).status, 200)
    const key = consentEpochKey({ realm: STAFF, userId: 'u-alice' }, application)
    assert.deepEqual(await gateway.withStore(({ epochs }) => epochs.read([key])), [0], 'nothing is kept of it')
  }
  assert.equal(audited(), before)

  await refused(alice.rp.finish(waiting, back.checks), 'invalid_grant')
  await refused(openid.refreshTokenGrant(alice.rp.config, offline.refresh_token ?? ''), 'invalid_grant')
  for (const { access_token: token } of [offline, second.tokens]) assert.equal(await isActive(alice.rp, token), false)
  assert.equal(await isActive(other.rp, other.tokens.access_token), true, 'another application')
  assert.equal(await isActive(bob.rp, bobs.access_token), true, 'somebody else')
  const again = await alice.rp.start()
  const anew = await alice.rp.finish(await alice.browser.open(again.url), again.checks)
  assert.equal(await isActive(alice.rp, anew.access_token), true, 'it may ask again')
})

test('strangers have so much kept, and no more; nobody who is signed in and no client pays for it', async () => {
  const { rp, browser } = await signedIn('wiki')
  await gateway.withStore(({ counters }) => counters.add('oidc-unproved /staff 127.0.0.1', 2_000, 600_000))
  const { url } = await rp.start()
  assert.equal(errorAt(await new Browser(gateway.origin).open(url)), 'temporarily_unavailable')
  assert.equal((await new Browser(gateway.origin).open(`${gateway.issuer}/device/user`)).status, 429)
  const tv = await discover('tv', openid.None())
  await refused(openid.initiateDeviceAuthorization(tv.config, { scope: 'openid' }), 'temporarily_unavailable')
  const asks = await rp.start({ prompt: 'login' })
  assert.match((await browser.open(asks.url)).url, /\/login\/staff/)
  const pushing = await discover('pushes')
  const pushed = Object.fromEntries(new URL((await pushing.start()).url).searchParams)
  await openid.buildAuthorizationUrlWithPAR(pushing.config, pushed)
  gateway.passSeconds(601)
  assert.match((await new Browser(gateway.origin).open(url)).url, /\/login\/staff/)
})

test('a client signs people out: asking first, unless it shows whose session it means', async () => {
  const { rp, browser, tokens } = await signedIn('wiki')
  const end = (more: Readonly<Record<string, string>>) =>
    openid.buildEndSessionUrl(rp.config, { post_logout_redirect_uri: `${RP}/bye`, state: 's', ...more }).href
  assert.equal((await browser.open(end({ post_logout_redirect_uri: `${RP}/bye?x` }))).status, 400)
  assert.equal((await browser.open(end({ id_token_hint: `${tokens.id_token?.slice(0, -6)}AAAAAA` }))).status, 400)
  const page = await browser.open(end({}))
  assert.equal(page.status, 200)
  assert.match(page.body, /name="logout"/)
  assert.doesNotMatch(page.body, /data-relay/, 'a link alone signs nobody out')
  assert.equal((await browser.submit(page, { stay: 'yes' })).location, `${RP}/bye?state=s`)
  assert.equal(await isActive(rp, tokens.access_token), true)
  const sure = await browser.open(end({ id_token_hint: tokens.id_token ?? '' }))
  assert.match(sure.body, /data-relay/)
  assert.equal((await browser.submit(sure, {})).location, `${RP}/bye?state=s`)
  assert.equal(browser.cookie('SSOTokenID'), undefined)
  assert.equal(await isActive(rp, tokens.access_token), false)
  const stranger = await browser.open(`${gateway.issuer}/connect/endSession`)
  assert.match(stranger.url, /endSession|logged-out/)
})

test('a client that wants to know hears of the end, however it came about', async () => {
  const { browser, tokens } = await signedIn('told')
  const heard = once(backChannel, 'told')
  await browser.submit(await browser.open('/logout'), {})
  await heard
  const jwks = createRemoteJWKSet(new URL(`${gateway.issuer}/connect/jwk_uri`))
  const { payload, protectedHeader } = await jwtVerify(told.at(-1) ?? '', jwks, {
    issuer: gateway.issuer,
    audience: 'told',
  })
  assert.equal(protectedHeader.typ, 'logout+jwt')
  assert.equal(payload['sid'], tokens.claims()?.['sid'])
  assert.equal(payload['nonce'], undefined)
})

test('a client of a sector of its own knows people by a name that others do not, wherever it says or hears it', async () => {
  const alice = await signedIn('apart', 'alice')
  const sub = alice.tokens.claims()?.sub ?? ''
  assert.match(sub, /^[\w-]{43}$/)
  assert.equal((await openid.fetchUserInfo(alice.rp.config, alice.tokens.access_token, sub)).sub, sub)
  assert.equal((await openid.tokenIntrospection(alice.rp.config, alice.tokens.access_token)).sub, sub)
  const elsewhere = async (id: string, who = 'alice') => (await signedIn(id, who)).tokens.claims()?.sub
  assert.equal(await elsewhere('together'), sub, 'clients of one sector')
  const others = [await elsewhere('many'), await elsewhere('wiki'), await elsewhere('apart', 'bob')]
  assert.equal(new Set([sub, ...others]).size, 4)

  const hint = { id_token_hint: alice.tokens.id_token ?? '' }
  const { rp, browser } = alice
  const again = await rp.start({ ...hint, prompt: 'none' })
  assert.equal((await rp.finish(await browser.open(again.url), again.checks)).claims()?.sub, sub)
  const bob = await signedIn('apart', 'bob')
  const stays = await bob.browser.open((await rp.start(hint)).url)
  assert.equal(errorAt(await bob.browser.signIn(stays, 'bob')), 'login_required', 'somebody else will not do')
  const switched = await rp.start(hint)
  const back = await bob.browser.signIn(await bob.browser.open(switched.url), 'alice')
  assert.equal((await rp.finish(back, switched.checks)).claims()?.sub, sub)
  const sure = openid.buildEndSessionUrl(rp.config, { ...hint, post_logout_redirect_uri: `${RP}/bye` }).href
  assert.match((await browser.open(sure)).body, /data-relay/, 'its ID token speaks for the session')

  const hearing = await signedIn('together', 'alice')
  const heard = once(backChannel, 'told')
  await hearing.browser.submit(await hearing.browser.open('/logout'), {})
  await heard
  assert.equal(decodeJwt(told.at(-1) ?? '').sub, sub)
})

test('tokens are shown and revoked by those they belong to', async () => {
  const { rp, tokens } = await signedIn('wiki')
  const [other, server] = await Promise.all([discover('other'), discover('server')])
  assert.equal(await isActive(other, tokens.access_token), false)
  assert.equal(await isActive(server, tokens.access_token), true)
  await openid.tokenRevocation(other.config, tokens.access_token)
  assert.equal(await isActive(rp, tokens.access_token), true, 'another client’s word is nothing')
  await openid.tokenRevocation(rp.config, tokens.access_token)
  assert.equal(await isActive(rp, tokens.access_token), false)
  const nobody = await fetch(`${gateway.issuer}/introspect`, {
    method: 'POST',
    body: new URLSearchParams({ token: tokens.access_token }),
  })
  assert.equal(nobody.status, 400)
  assert.equal(((await nobody.json()) as { readonly error: string }).error, 'invalid_request')
})

test('clients prove who they are by a secret of which the hash is known, or by a key', async () => {
  const browser = new Browser(gateway.origin)
  const hashed = await discover('hashed', openid.ClientSecretPost(HASHED))
  const first = await hashed.start()
  const back = await browser.signIn(await browser.open(first.url), 'alice')
  const wrong = await discover('hashed', openid.ClientSecretPost(`${HASHED.slice(0, -1)}X`))
  await refused(wrong.finish(back, first.checks), 'invalid_client')
  assert.equal((await hashed.finish(back, first.checks)).claims()?.sub, 'u-alice')
  const keyed = await discover('keyed', openid.PrivateKeyJwt(keys.privateKey))
  const second = await keyed.start()
  const tokens = await keyed.finish(await browser.open(second.url), second.checks)
  assert.equal(decodeProtectedHeader(tokens.id_token ?? '').alg, 'ES256')
  const strange = await generateKeyPair('ES256')
  const impostor = await discover('keyed', openid.PrivateKeyJwt(strange.privateKey))
  const third = await keyed.start()
  await refused(impostor.finish(await browser.open(third.url), third.checks), 'invalid_client')
})

test('a secret is not guessed without end, and nobody else is kept out', async () => {
  const ask = async (id: string, secret: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const body = new URLSearchParams({ token: 'none' })
    const answer = await fetch(`${gateway.issuer}/introspect`, { method: 'POST', headers: { authorization }, body })
    await answer.arrayBuffer()
    return answer.status
  }
  const all = (secret: string): Promise<number[]> =>
    Promise.all(Array.from({ length: 60 }, () => ask('guessed', secret)))
  assert.deepEqual(new Set(await all(SECRET)), new Set([200]), 'right ones are no guesses, however many come at once')
  assert.deepEqual(new Set(await all('a-wrong-guess-of-it')), new Set([401]))
  assert.equal(await ask('guessed', SECRET), 401)
  assert.match(gateway.log(), /too many wrong secrets came from this network/)
  assert.equal(await ask('server', SECRET), 200)
  gateway.passSeconds(601)
  assert.equal(await ask('guessed', SECRET), 200)
})

test('PAR: what has to be pushed is, and is used once', async () => {
  const rp = await discover('pushes')
  const browser = new Browser(gateway.origin)
  const { url, checks } = await rp.start()
  assert.equal(errorAt(await browser.open(url)), 'invalid_request')
  const pushed = await openid.buildAuthorizationUrlWithPAR(rp.config, Object.fromEntries(new URL(url).searchParams))
  const back = await browser.signIn(await browser.open(pushed.href), 'alice')
  await rp.finish(back, checks)
  const again = await browser.open(pushed.href)
  assert.equal(again.location === undefined ? again.status : errorAt(again), 'invalid_request_uri')
})

test('DPoP: tokens are good with the key that they were given to', async () => {
  const rp = await discover('spa', openid.None())
  const browser = new Browser(gateway.origin)
  const { url, checks } = await rp.start()
  const back = await browser.signIn(await browser.open(url), 'alice')
  const DPoP = openid.getDPoPHandle(rp.config, await openid.randomDPoPKeyPair('ES256'))
  const tokens = await rp.finish(back, checks, { DPoP })
  assert.equal(tokens.token_type, 'dpop')
  await openid.fetchUserInfo(rp.config, tokens.access_token, 'u-alice', { DPoP })
  const thief = openid.getDPoPHandle(rp.config, await openid.randomDPoPKeyPair('ES256'))
  await assert.rejects(openid.fetchUserInfo(rp.config, tokens.access_token, 'u-alice', { DPoP: thief }))
  await refused(
    openid.refreshTokenGrant(rp.config, tokens.refresh_token ?? '', undefined, { DPoP: thief }),
    'invalid_grant',
  )
})

test('a client is known by its certificate, and its tokens are good with that one alone', async () => {
  const rp = await discover('bycert', openid.TlsClientAuth())
  const showing = (shown: Readonly<Record<string, string>>): void => {
    rp.config[openid.customFetch] = (url, { body, ...options }) =>
      fetch(url, {
        ...options,
        headers: { ...options.headers, ...shown },
        ...(body instanceof URLSearchParams ? { body } : {}),
      })
  }
  const browser = new Browser(gateway.origin)
  const { url, checks } = await rp.start()
  const back = await browser.signIn(await browser.open(url), 'alice')
  for (const none of [{}, strange.header, { 'client-cert': ':AAAA:' }]) {
    showing(none)
    await refused(rp.finish(back, checks), 'invalid_client')
  }
  showing(certified.header)
  const tokens = await rp.finish(back, checks)
  const userinfo = (headers: Readonly<Record<string, string>>): Promise<number> =>
    fetch(`${gateway.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}`, ...headers },
    }).then(({ status }) => status)
  assert.deepEqual(
    [await userinfo(certified.header), await userinfo(strange.header), await userinfo({})],
    [200, 401, 401],
  )
  const server = await discover('server')
  const { cnf } = await openid.tokenIntrospection(server.config, tokens.access_token)
  assert.match(String(cnf?.['x5t#S256']), /^[\w-]{43}$/)
  const next = await openid.refreshTokenGrant(rp.config, tokens.refresh_token ?? '')
  showing(strange.header)
  await refused(openid.refreshTokenGrant(rp.config, next.refresh_token ?? ''), 'invalid_client')
})

test('a device without a browser: typed, confirmed, polled not too often, once', async () => {
  const rp = await discover('tv', openid.None())
  const started = await openid.initiateDeviceAuthorization(rp.config, { scope: 'openid profile' })
  const poll = () =>
    openid.genericGrantRequest(rp.config, 'urn:ietf:params:oauth:grant-type:device_code', {
      device_code: started.device_code,
    })
  await refused(poll(), 'authorization_pending')
  await refused(poll(), 'slow_down')
  const browser = new Browser(gateway.origin)
  const page = await browser.open(started.verification_uri)
  const wrong = await browser.submit(page, { user_code: 'BBBB-BBBB' })
  assert.match(wrong.body, /This code does not exist/)
  const confirm = await browser.submit(wrong, { user_code: started.user_code })
  assert.match(confirm.body, /A Television/)
  assert.ok(confirm.body.includes(started.user_code))
  const login = await browser.submit(confirm, { confirm: 'yes' })
  const done = await browser.signIn(login, 'alice')
  assert.match(done.body, /Your device is connected/)
  gateway.passSeconds(6)
  const tokens = await poll()
  assert.ok(tokens.access_token)
  gateway.passSeconds(6)
  await refused(poll(), 'invalid_grant')
})

test('a client that is added or removed is so without a restart, and nothing else changes', async () => {
  const { rp, browser, tokens } = await signedIn('wiki')
  const early = await (await discover('new')).start()
  assert.equal((await browser.open(early.url)).status, 400, 'nobody has added it yet')
  await gateway.write(
    'realms/staff/clients.yaml',
    clients(`  - { id: new, secret: ${SECRET}, redirectUris: ["${RP}/cb"], consent: implied }\n`),
  )
  assert.equal(await isActive(rp, tokens.access_token), true)
  const added = await discover('new')
  const { url, checks } = await added.start()
  const { access_token: token } = await added.finish(await browser.open(url), checks)
  const server = await discover('server')
  assert.equal(await isActive(server, token), true)
  await gateway.write('realms/staff/clients.yaml', clients())
  assert.equal((await browser.open(url)).status, 400)
  assert.equal(await isActive(server, token), false)
})

test('programs with the token of the realm register clients, where the configuration says so, as far as it says', async () => {
  const address = `${gateway.issuer}/connect/register`
  const token = 'the-token-of-the-realm-0123456789-abcdef'
  const register = async (metadata: object, bearer = token) => {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(metadata) })
    const body = answer.status === 404 ? {} : ((await answer.json()) as Record<string, string>)
    return { status: answer.status, body }
  }
  const wanted = { client_name: '<b>A Newcomer</b>', redirect_uris: [`${RP}/cb`], scope: 'openid email groups' }
  assert.equal((await register(wanted)).status, 404, 'nobody can unless it is configured')
  const rules = (more = '') => `registration: { token: ${token}, most: 2${more} }\n`
  await gateway.write('realms/staff/clients.yaml', clients('', rules()))

  assert.equal((await register(wanted, `${token}x`)).status, 401)
  for (const more of [
    { redirect_uris: ['http://rp.example/cb'] },
    { redirect_uris: ['https://rp.example/*'] },
    { redirect_uris: ['javascript:alert(1)'] },
    { redirect_uris: ['https://rp.example/cb#x'] },
    { redirect_uris: [] },
    { jwks_uri: `${RP}/keys` },
    { sector_identifier_uri: `${RP}/sector` },
    { backchannel_logout_uri: `${RP}/logout` },
    { request_uris: [`${RP}/request`] },
    { grant_types: ['client_credentials'] },
    { response_types: ['token'] },
    { token_endpoint_auth_method: 'private_key_jwt' },
    { client_name: 'x'.repeat(101) },
    { client_name: 'x'.repeat(20_000) },
  ])
    assert.equal((await register({ ...wanted, ...more })).status, 400, JSON.stringify(more).slice(0, 80))

  const { status, body } = await register(wanted)
  assert.equal(status, 201, JSON.stringify(body))
  const { client_id: id = '', client_secret: secret = '' } = body
  assert.equal(body['scope'], 'openid email', 'no more than the realm lets')
  assert.match(gateway.log(), /OidcClientRegistered/)
  const rp = await discover(id, openid.ClientSecretBasic(secret))
  assert.equal(rp.config.serverMetadata()['registration_endpoint'], address)
  const browser = new Browser(gateway.origin)
  const { url, checks } = await rp.start({ scope: 'openid email' })
  const asked = await browser.signIn(await browser.open(url), 'carol')
  assert.match(asked.body, /&lt;b&gt;A Newcomer/, 'people are asked')
  const back = await browser.submit(asked, { decision: 'allow' })
  const impostor = await discover(id, openid.ClientSecretPost(`${secret.slice(0, -1)}-`))
  await refused(impostor.finish(back, checks), 'invalid_client')
  const tokens = await rp.finish(back, checks)
  assert.equal(tokens.claims()?.sub, 'u-carol')
  const dump = await gateway.withStore(async ({ documents }) => JSON.stringify(await documents.list('oidc')))
  assert.ok(dump.includes(id) && !dump.includes(secret), 'of its secret a digest is kept')

  assert.equal((await register({ ...wanted, token_endpoint_auth_method: 'none' })).status, 201)
  assert.equal((await register(wanted)).status, 403, 'no more than may')
  await gateway.write('realms/staff/clients.yaml', clients('', rules(`, blocked: [${id}]`)))
  assert.equal((await browser.open(url)).status, 400, 'a client that is blocked is none')
  assert.equal(await isActive(await discover('server'), tokens.access_token), false)
  await gateway.write('realms/staff/clients.yaml', `clients: []\n${rules()}`)
  const alone = await new Browser(gateway.origin).open(url)
  assert.match(alone.body, /&lt;b&gt;A Newcomer/, 'the login page knows where people go on to')
  await gateway.write('realms/staff/clients.yaml', clients())
  assert.equal((await register(wanted)).status, 404)
})

test('what is published has no secret in it, and no log line has', async () => {
  const { tokens } = await signedIn('wiki')
  const keySet = await (await fetch(`${gateway.issuer}/connect/jwk_uri`)).text()
  assert.doesNotMatch(keySet, /"(?:d|p|q|dp|dq|qi|k)":/)
  const document = (await (await fetch(`${gateway.issuer}/.well-known/openid-configuration`)).json()) as Record<
    string,
    unknown
  >
  assert.equal(document['issuer'], gateway.issuer)
  assert.equal(document['token_endpoint'], `${gateway.issuer}/access_token`)
  assert.equal(document['registration_endpoint'], undefined)
  assert.equal((await fetch(`${gateway.issuer}/reg`, { method: 'POST' })).status, 404)
  const secrets = [tokens.access_token, tokens.refresh_token ?? '', tokens.id_token ?? '', SECRET, HASHED, ...told]
  for (const secret of secrets) assert.ok(!gateway.log().includes(secret))
})
