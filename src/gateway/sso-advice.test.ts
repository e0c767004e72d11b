import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { AccessQuery, Advices, Decision } from '../policy/decision.ts'
import { parseCompositeAdvice } from '../policy/composite-advice.ts'
import { ask, NAVIGATION, type Answer } from './answer.fixture.ts'
import { echoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway } from './gateway.fixture.ts'
import { transactionId } from './transactions.fixture.ts'

/** What a policy may ask for, and what the client is told. */
const KINDS: Readonly<Record<string, readonly [asked: Advices, told: Advices]>> = {
  level: pair({ AuthLevelConditionAdvice: ['2'] }),
  scheme: pair({ AuthSchemeConditionAdvice: ['totp', 'webauthn'] }),
  service: pair({ AuthenticateToServiceConditionAdvice: ['strong'] }),
  age: pair({ AuthenticationAgeConditionAdvice: ['300'] }),
  'level and age': pair({ AuthLevelConditionAdvice: ['2'], AuthenticationAgeConditionAdvice: ['300'] }),
  transaction: [{ TransactionConditionAdvice: ['AuthLevel:2'] }, { TransactionConditionAdvice: [transactionId(1)] }],
}

function pair(advices: Advices): readonly [Advices, Advices] {
  return [advices, advices]
}

const SCRIPT = ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', 'Sec-Fetch-Site: same-origin']

/** A site whose policy asks for this. */
async function siteThatAsks(t: TestContext, advices: Advices) {
  const site = siteOf(profileOf((await echoApp(t)).url))
  const evaluate = (query: AccessQuery): Decision => {
    const allowed = query.approved === true
    return { ...site.pdp.evaluate(query), allowed, advices: allowed ? undefined : advices }
  }
  const rig = await startGateway(t, { sites: [{ ...site, pdp: { ...site.pdp, evaluate } }] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('sid-1'))}`
  return (headers: readonly string[]): Promise<Answer> => ask(rig.port, '/a?x=1', { headers: [...headers, cookie] })
}

/** Every challenge of the answer, as clients find them: in one line. */
function challengesOf({ headers }: Answer): string {
  return headers.get('www-authenticate') ?? ''
}

suite('a client that asks for its advice in a header', () => {
  for (const [kind, [asked, told]] of Object.entries(KINDS)) {
    test(`is told of the ${kind} first of all, and is redirected where it does not ask`, async (t) => {
      const get = await siteThatAsks(t, asked)
      for (const value of ['header', 'HEADER']) {
        const answer = await get([...SCRIPT, `X-Authenticate-Response: ${value}`])
        assert.equal(answer.status, 401)
        const [, realm, advices = '', amUri] =
          /^SSOADVICE realm="([^"]+)",advices="([^"]+)",am_uri="([^"]+)", Gatehouse /.exec(challengesOf(answer)) ?? []
        assert.deepEqual([realm, amUri], ['/employees', 'http://login.test'])
        if (value === 'header') assert.deepEqual(JSON.parse(Buffer.from(advices, 'base64').toString()), told)
        assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
      }
    })
    test(`is redirected to the ${kind} where it does not ask, or asks for something else`, async (t) => {
      const get = await siteThatAsks(t, asked)
      for (const more of [[], ['X-Authenticate-Response: redirect']]) {
        const answer = await get([...NAVIGATION, ...more])
        assert.equal(answer.status, 302)
        const { searchParams } = new URL(answer.headers.get('location') ?? '')
        const value = searchParams.get('authIndexValue') ?? ''
        const isLevel = searchParams.get('authIndexType') === 'level'
        const advices = isLevel ? { AuthLevelConditionAdvice: [value] } : parseCompositeAdvice(value)
        assert.deepEqual(Object.keys(advices ?? {}).sort(), Object.keys(told).sort())
        if (more.length === 0) assert.deepEqual(advices, told)
      }
    })
  }

  test('who asks without a session, or is a script that does not ask, is told of no advice', async (t) => {
    const get = await siteThatAsks(t, { AuthLevelConditionAdvice: ['2'] })
    assert.doesNotMatch(challengesOf(await get(SCRIPT)), /SSOADVICE/)
    const stranger = await get([...SCRIPT, 'X-Authenticate-Response: header', 'Cookie: SSOTokenID=x'])
    assert.equal(stranger.status, 401)
  })
})
