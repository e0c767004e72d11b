import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createDepartures } from '../federation/logout/departures.ts'
import { createLeaving, type Leaving } from '../federation/logout/leaving.ts'
import type { KnownTo, LogoutProtocol } from '../federation/logout/logout-protocol.ts'
import { PROVIDERS, providerLogout } from '../federation/logout/provider-logout.ts'
import type { VersionedRecords } from '../store/store.ts'
import { Browser, type Answer } from './browser.fixture.ts'
import { openLoginHost, type LoginHost } from './login-host.fixture.ts'

/** What partners are there, and who of those told from here has not been. Changed by each test. */
let known: readonly KnownTo[] = []
let untold: readonly string[] = []
let gone = new Set<string>()
let isAsked = 0

const partners: LogoutProtocol = {
  name: 'partners',
  knownTo: () => Promise.resolve(known),
  request(_realm, { partner, data }) {
    if (gone.has(partner)) return Promise.resolve(undefined)
    const requestId = `ask-${++isAsked}`
    return Promise.resolve(
      data === 'post'
        ? { kind: 'post', url: `https://${partner}.example/out`, fields: [['Message', '<&">']], requestId }
        : { kind: 'redirect', url: `https://${partner}.example/out?m=${requestId}`, requestId },
    )
  },
  answer: ({ ending }, isComplete) =>
    Promise.resolve(
      ending.kind === 'answer'
        ? { kind: 'redirect', url: `https://${ending.data}.example/back?complete=${String(isComplete)}` }
        : undefined,
    ),
  untold: () => Promise.resolve(new Set(untold)),
}

const records = new Map<string, { value: string; version: number }>()
let isStoreAway = false
const versioned: VersionedRecords = {
  create: (space, key, value) => {
    if (isStoreAway) return Promise.reject(new Error('away'))
    records.set(`${space} ${key}`, { value, version: 1 })
    return Promise.resolve(true)
  },
  load: (space, key) => Promise.resolve(records.get(`${space} ${key}`)),
  replace(space, key, version, value) {
    if (records.get(`${space} ${key}`)?.version !== version) return Promise.resolve(false)
    records.set(`${space} ${key}`, { value, version: version + 1 })
    return Promise.resolve(true)
  },
  remove: (space, key) => {
    records.delete(`${space} ${key}`)
    return Promise.resolve()
  },
}

/** Sessions whose browser goes to the provider that they began with. */
const visited: string[] = []

const leaving: Leaving = createLeaving({
  departures: createDepartures({
    versioned,
    sealer: {
      seal: (_, value) => `sealed ${JSON.stringify(value)}`,
      open: (_, text) => JSON.parse(text.slice(7)) as never,
    },
  }),
  protocols: [
    partners,
    providerLogout(
      (session) =>
        Promise.resolve(
          session.username === 'guest'
            ? { url: 'https://op.example/end?id_token_hint=x', title: 'The OP', provider: 'op' }
            : undefined,
        ),
      ({ sid }) => Promise.resolve(void visited.push(sid)),
    ),
  ],
  log: { warn: () => undefined },
})

let host: LoginHost
before(async () => {
  host = await openLoginHost({ parts: { leaving } })
})
after(() => host.close())

const front = (partner: string, data = 'redirect'): KnownTo => ({
  ...{ protocol: 'partners', partner, title: partner.toUpperCase(), data },
  way: 'browser',
})
const aside = (partner: string, way: 'server' | 'none'): KnownTo => ({
  ...{ protocol: 'partners', partner, title: partner.toUpperCase() },
  way,
})

function signedIn(...partnersOf: readonly KnownTo[]): Browser {
  return signedInAs('alice', ...partnersOf)
}

function signedInAs(username: string, ...partnersOf: readonly KnownTo[]): Browser {
  ;[known, untold, gone, isAsked] = [partnersOf, [], new Set(), 0]
  const browser = new Browser(host.url)
  browser.cookies.set('SSOTokenID', host.signIn(username))
  return browser
}

const rowsOf = ({ text }: Answer): readonly string[] =>
  [...text.matchAll(/<li class="(\w+)">[^]*?class="who">([^<]*)<[^]*?class="what">([^<]*)</g)].map(
    ([, state = '', who = '', what = '']) => `${who} ${state}: ${what}`,
  )
const heard = (partner: string, requestId: string, isDone = true): Promise<boolean> =>
  leaving.heard({ protocol: 'partners', partner, requestId, isDone })

test('the session ends first; the browser is taken to each partner in turn, once, and then on', async () => {
  const browser = signedIn(front('one'), front('two', 'post'), aside('three', 'server'))
  const out = await browser.post('/logout', { goto: `${host.sites.app}/bye` })
  assert.deepEqual([out.status, out.headers['location']], [303, '/leaving'])
  assert.equal(host.sessions.size, 0, 'nobody waits for a partner')
  assert.ok(
    ![...records.values()].some(({ value }) => !value.startsWith('sealed ')),
    'who reads the store learns nothing',
  )

  const first = await browser.get('/leaving')
  assert.equal(first.headers['refresh'], '0; url=https://one.example/out?m=ask-1')
  assert.deepEqual(rowsOf(first), ['ONE now: Signing out…', 'TWO waiting: Next', 'THREE done: Signed out'])
  const stuck = await browser.get('/leaving')
  assert.equal(stuck.headers['refresh'], undefined, 'who comes back by themselves is sent nowhere')
  assert.match(stuck.text, /ONE has not answered/)

  assert.equal(await heard('two', 'ask-1'), false, 'nobody answers for another')
  assert.equal(await heard('one', 'ask-9'), false)
  assert.equal(await heard('one', 'ask-1'), true)
  assert.equal(await heard('one', 'ask-1', false), false, 'an answer counts once')
  const second = await browser.get('/leaving')
  assert.match(second.text, /<form method="post" action="https:\/\/two\.example\/out" class="actions" data-relay>/)
  assert.match(second.text, /name="Message" value="&lt;&amp;&quot;&gt;"/)
  assert.match(second.headers['content-security-policy'] ?? '', /form-action 'self' https:\/\/two\.example;/)
  await heard('two', 'ask-2')
  const done = await browser.get('/leaving')
  assert.deepEqual([done.status, done.headers['location']], [302, `${host.sites.app}/bye`])
  assert.equal((await browser.get('/leaving')).headers['location'], '/logged-out', 'and that is all')
})

test('who does not answer, says no or is no partner any more is named, with a way on', async () => {
  const browser = signedIn(front('slow'), front('rude'), front('gone'), aside('mute', 'none'))
  gone = new Set(['gone'])
  await browser.post('/logout', { goto: `${host.sites.app}/bye` })
  await browser.get('/leaving')
  const again = await browser.post('/leaving', { do: 'again' })
  assert.deepEqual([again.status, again.headers['location']], [303, '/leaving'])
  assert.equal((await browser.get('/leaving')).headers['refresh'], '0; url=https://slow.example/out?m=ask-2')
  assert.equal(await heard('slow', 'ask-1'), false, 'the message of before is answered no more')
  const foreign = await browser.call('/leaving', {
    method: 'POST',
    form: { do: 'pass' },
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  })
  assert.equal(foreign.status, 403)
  await browser.post('/leaving', { do: 'pass' })
  assert.equal(await heard('slow', 'ask-2'), false, 'who was passed over is not waited for')
  assert.equal((await browser.get('/leaving')).headers['refresh'], '0; url=https://rude.example/out?m=ask-3')
  await heard('rude', 'ask-3', false)
  const over = await browser.get('/leaving')
  assert.equal(over.status, 200, 'nobody is taken on past what has failed')
  assert.deepEqual(rowsOf(over), [
    'SLOW left: Not confirmed',
    'RUDE left: Not confirmed',
    'GONE left: Not confirmed',
    'MUTE left: Cannot be told',
  ])
  assert.match(over.text, /you may still be signed in/)
  assert.match(over.text, new RegExp(`href="${host.sites.app}/bye"`))
})

test('those told from here are waited for on the page, and no longer than ten seconds', async () => {
  const browser = signedIn(aside('served', 'server'), aside('other', 'server'))
  untold = ['served']
  const out = await browser.post('/logout', '')
  assert.equal(out.headers['location'], '/leaving')
  const page = await browser.get('/leaving')
  assert.equal(page.headers['refresh'], '2; url=/leaving?looks=1')
  assert.deepEqual(rowsOf(page), ['SERVED waiting: Being told', 'OTHER done: Signed out'])
  assert.equal((await browser.get('/leaving?looks=5')).headers['refresh'], undefined)
  untold = []
  assert.deepEqual(rowsOf(await browser.get('/leaving')), ['SERVED done: Signed out', 'OTHER done: Signed out'])
  browser.cookies.set('SSOTokenID', host.signIn('alice'))
  assert.equal(
    (await browser.get('/leaving')).headers['location'],
    '/',
    'who has signed in again is not told otherwise',
  )
})

test('where nobody has to be told, or nothing can be kept, a logout is what it was', async () => {
  const plain = await signedIn().post('/logout', '')
  assert.equal(plain.headers['location'], '/logged-out?realm=%2Femployees')
  const goes = await signedIn(aside('served', 'server')).post('/logout', { goto: `${host.sites.app}/bye` })
  assert.equal(goes.headers['location'], `${host.sites.app}/bye`, 'nobody is held up by what is told from here')
  isStoreAway = true
  const away = await signedIn(front('one')).post('/logout', '')
  isStoreAway = false
  assert.deepEqual([away.headers['location'], host.sessions.size], ['/logged-out?realm=%2Femployees', 0])
  assert.equal((await new Browser(host.url).get('/leaving')).headers['location'], '/logged-out')
})

test('the provider that somebody came from is told last, and sends them back to our page', async () => {
  const browser = signedInAs('guest', front('one'))
  await browser.post('/logout', '')
  await browser.get('/leaving')
  assert.equal((await browser.get('/logged-out')).status, 200, 'it is not its turn yet')
  await heard('one', 'ask-1')
  assert.equal((await browser.get('/leaving')).headers['refresh'], '0; url=https://op.example/end?id_token_hint=x')
  assert.equal((await browser.get('/logged-out')).headers['location'], '/leaving')
  assert.deepEqual(rowsOf(await browser.get('/leaving')), ['ONE done: Signed out', 'The OP done: Signed out'])
  assert.equal(await heard(PROVIDERS, 'undefined'), false)
  assert.equal(visited.length, 1, 'so that it is not told from here')
})

test('the partner that began it is not told, and gets its answer when all others have been, once', async () => {
  for (const [partnersOf, isComplete] of [
    [[front('one'), front('first')], true],
    [[front('one'), front('first'), aside('mute', 'none')], false],
  ] as const) {
    signedIn(...partnersOf)
    const session = host.addSession({ username: 'alice' })
    const plan = await leaving.plan(session, { protocol: 'partners', partner: 'first' })
    assert.deepEqual(
      plan.stops.map(({ partner }) => partner),
      ['one'],
    )
    const { realm, username, sid } = session
    const ending = { kind: 'answer', protocol: 'partners', title: 'First', data: 'first' } as const
    const browser = new Browser(host.url)
    browser.cookies.set('gatehouse-leaving', await leaving.begin({ realm, username, sid, ...plan, ending }))
    await browser.get('/leaving')
    await heard('one', `ask-1`)
    const back = await browser.get('/leaving')
    assert.equal(back.headers['refresh'], `0; url=https://first.example/back?complete=${String(isComplete)}`)
    assert.equal((await browser.get('/leaving')).headers['location'], '/logged-out')
  }
})
