import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { compilePolicies } from '../policy/compile.ts'
import { policiesFileSchema } from '../policy/policies.schema.ts'
import { ask, sendRaw } from './answer.fixture.ts'
import { echoApp, headerValues } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'

const IDENTITY = {
  headers: { 'X-Plan': 'response:plan', 'X-Desk': 'session:desk' },
  cookies: { HTTP_MAIL: 'attribute:mail', HTTP_PLAN: 'response:plan', desk: 'session:desk' },
}

/** Below /gold/ policies say another plan. */
const pdp = compilePolicies(
  policiesFileSchema.parse({
    policies: [
      planned('all', ['*://*:*/*', '*://*:*/*?*'], ['blue|green', 'red']),
      planned('gold', ['*://*:*/gold/*'], ['gold']),
    ],
  }).policies,
)

function planned(name: string, resources: readonly string[], plans: readonly string[]): object {
  const subject = { type: 'AuthenticatedUsers' }
  const responseAttributes = [{ type: 'Static', propertyName: 'plan', propertyValues: plans }]
  return { name, resources, subject, actions: { GET: 'allow' }, responseAttributes }
}

async function setup(t: TestContext, identity: object = IDENTITY, properties: Readonly<Record<string, string>> = {}) {
  const app = await echoApp(t)
  const facts = { groups: new Set<string>(), attributes: { mail: ['alice@acme.test', 'z\u00f6e;x="1" |\r\nX: 1'] } }
  const site = siteOf(profileOf(app.url, { identity }), { pdp, facts: () => facts })
  const rig = await startGateway(t, { sites: [site], forwardAuth: { trustedProxies: ['127.0.0.1'] } })
  const token = rig.sessions.add(1, sessionOf('s1', { properties }))
  const sent = async (target: string, more = ''): Promise<readonly string[]> => {
    const answer = await ask(rig.port, target, { headers: [`Cookie: ${token}${more}`] })
    assert.equal(answer.status, 200, answer.text)
    return app.seen.at(-1)?.headers ?? []
  }
  return { ...rig, app, token, sent }
}

test('attributes of user, session and policies go to the application as cookies that no browser sees', async (t) => {
  const { sent } = await setup(t, IDENTITY, { desk: 'a b,c' })
  const headers = await sent('/a', '; own=1')
  const mail = 'alice@acme.test|z%C3%B6e%3Bx=%221%22%20%7C%0D%0AX:%201'
  assert.deepEqual(headerValues(headers, 'cookie'), [
    `desk=a%20b%2Cc; HTTP_MAIL=${mail}; HTTP_PLAN=blue%7Cgreen|red; own=1`,
  ])
  assert.deepEqual(headerValues(headers, 'x-plan'), ['blue|green,red'])
})

test('whatever a browser sends under such a name is taken off, in every spelling that some application reads as it', async (t) => {
  const { sent, port, app, token } = await setup(t, {
    cookies: { HTTP_MAIL: 'session:nothing', 'my.plan': 'session:nothing' },
  })
  for (const name of [
    'HTTP_MAIL',
    'http_mail',
    'HTTP.MAIL',
    'HTTP-MAIL',
    'HTTP%5fMAIL',
    '%48TTP_MAIL',
    'HTTP_MAIL[0]',
    'HTTP_MAIL%5B0]',
    // PHP makes `_` of a bracket that nothing closes, and one before 7.2.34 ends a name at an encoded NUL.
    'HTTP[MAIL',
    'HTTP%5bMAIL',
    'HTTP_MAIL%00x',
    // Python's http.cookies begins a pair behind a blank, readers of RFC 2109 behind a comma.
    'a=1 HTTP_MAIL',
    'a=1\tHTTP_MAIL ',
    'a="1" HTTP_MAIL',
    'a HTTP_MAIL',
    'a=1,HTTP_MAIL',
    'a,HTTP%5fMAIL',
    ' HTTP_MAIL ',
    '=HTTP_MAIL',
    '"HTTP_MAIL"',
    'my_plan',
  ]) {
    assert.deepEqual(headerValues(await sent('/a', `; ${name}=evil; own=1`), 'cookie'), ['own=1'], name)
  }
  assert.deepEqual(
    headerValues(await sent('/a', '; HTTP_MAILS=1; xHTTP_MAIL=1; a=HTTP_MAIL 1=2, HTTP_MAIL'), 'cookie'),
    ['HTTP_MAILS=1; xHTTP_MAIL=1; a=HTTP_MAIL 1=2, HTTP_MAIL'],
  )
  assert.deepEqual(headerValues(await sent('/public/x', '; http_mail=evil'), 'cookie'), [], 'without a session, too')
  await sendRaw(
    port,
    `GET /a HTTP/1.1\r\nHost: app.test\r\nCookie: HTTP_MAIL=evil\r\nCookie: ${token}; http-mail=evil\r\n\r\n`,
  )
  assert.deepEqual(headerValues(app.seen.at(-1)?.headers ?? [], 'cookie'), [])
})

test('what policies say at one path is not told at the next, however often both are asked for', async (t) => {
  const { sent } = await setup(t)
  for (let i = 0; i < 3; i++) {
    const gold = await sent('/gold/a')
    assert.deepEqual(headerValues(gold, 'x-plan'), ['blue|green,red,gold'])
    const plain = await sent('/a')
    assert.deepEqual(headerValues(plain, 'x-plan'), ['blue|green,red'])
    assert.match(headerValues(plain, 'cookie')[0] ?? '', /HTTP_PLAN=blue%7Cgreen\|red$/)
  }
})

test('who has no value, or an empty one, has neither header nor cookie; a separator is one everywhere', async (t) => {
  const { sent } = await setup(t, { ...IDENTITY, separator: '^' }, { desk: '' })
  const headers = await sent('/a')
  assert.deepEqual(headerValues(headers, 'x-desk'), [])
  assert.deepEqual(headerValues(headers, 'x-plan'), ['blue|green^red'])
  assert.doesNotMatch(headerValues(headers, 'cookie')[0] ?? '', /desk/)
  assert.match(headerValues(headers, 'cookie')[0] ?? '', /HTTP_PLAN=blue\|green\^red$/)
})

test('a value over the budget is left out, and takes no other along', async (t) => {
  const identity = {
    headers: { 'X-Plan': 'response:plan', 'X-Big': 'session:big', 'X-Desk': 'session:desk' },
    cookies: { HTTP_MAIL: 'attribute:mail', big: 'session:big' },
  }
  const { sent } = await setup(t, identity, { big: 'x'.repeat(100_000), desk: '7' })
  const headers = await sent('/a')
  const of = (name: string): readonly string[] => headerValues(headers, name)
  assert.deepEqual([of('x-big'), of('x-desk'), of('x-plan')], [[], ['7'], ['blue|green,red']])
  assert.match(of('cookie')[0] ?? '', /^HTTP_MAIL=alice@acme\.test\|[^;]*$/)
})

test('an application sets no such cookie, and a proxy that asks gets ours in place of what its client sent', async (t) => {
  const { port, authPort, app, token } = await setup(t)
  app.answer = (_, response) => response.writeHead(200, { 'set-cookie': ['http_mail=x', 'own=1'] }).end()
  const answer = await ask(port, '/a', { headers: [`Cookie: ${token}`] })
  assert.deepEqual(answer.cookies, ['own=1'])
  const headers = [
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: app.test',
    'X-Forwarded-Uri: /a',
  ]
  const asked = await ask(authPort, '/.gatehouse/forward-auth', {
    headers: [...headers, 'X-Forwarded-For: 192.0.2.1', `Cookie: ${token}; HTTP_MAIL=evil; own=2`],
  })
  assert.equal(asked.status, 200, asked.text)
  assert.match(
    asked.headers.get('cookie') ?? '',
    /^HTTP_MAIL=alice@acme\.test\|[^;]*; HTTP_PLAN=blue%7Cgreen\|red; own=2$/,
  )
})
