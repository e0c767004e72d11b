import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { parseTarget, type Target } from '../http/request-url.ts'
import { ask, type Answer } from './answer.fixture.ts'
import { echoApp, type EchoApp } from './echo-app.fixture.ts'
import { profileOf, sessionOf, siteOf, startGateway, type Rig } from './gateway.fixture.ts'
import { transactionId } from './transactions.fixture.ts'
import { sentTransaction } from './sent-transaction.ts'

const ID = transactionId(1)
const OTHER = transactionId(2)

function read(text: string, header?: string): readonly (string | undefined)[] {
  const target = parseTarget(text) as Target
  const sent = sentTransaction(target, { headers: header === undefined ? {} : { 'x-txid': header } })
  return [sent.target.target, sent.target.query, sent.transaction]
}

test('a transaction is taken out of the query, and nothing else is', () => {
  assert.deepEqual(read(`/a?_txid=${ID}`), ['/a', undefined, ID])
  assert.deepEqual(read(`/a?x=%20&_txid=${ID}&y`), ['/a?x=%20&y', 'x=%20&y', ID])
  assert.deepEqual(read(`/a?_txid=${OTHER}&x&_txid=${ID}`), ['/a?x', 'x', ID], 'the last one is meant')
  for (const query of ['x=1', '_txid=7', '_txid=', `my_txid=${ID}`, `_txid=${ID}x`, `_TXID=${ID}`])
    assert.deepEqual(read(`/a?${query}`), [`/a?${query}`, query, undefined], query)
})

test('the header says it as well, where it is one id', () => {
  assert.deepEqual(read('/a', ID), ['/a', undefined, ID])
  assert.deepEqual(read('/a?x', ID), ['/a?x', 'x', ID])
  assert.deepEqual(read(`/a?_txid=${ID}`, OTHER), ['/a', undefined, ID])
  for (const header of ['', 'x', `${ID}, ${OTHER}`]) assert.equal(read('/a', header)[2], undefined)
})

interface Bench extends Rig {
  readonly app: EchoApp
  readonly cookie: string
  send(target: string, more?: { readonly headers?: readonly string[]; readonly body?: string }): Promise<Answer>
}

const SCRIPT = ['Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', 'Sec-Fetch-Site: same-origin']

async function setup(t: TestContext, changes: Record<string, unknown> = { policySet: 'approve' }): Promise<Bench> {
  const app = await echoApp(t)
  const rig = await startGateway(t, { sites: [siteOf(profileOf(app.url, changes))], aliases: ['http://alias.test'] })
  const cookie = `Cookie: ${rig.sessions.add(1, sessionOf('sid-1'))}`
  const send: Bench['send'] = (target, { headers = [], body = '{"to":"bob"}' } = {}) =>
    ask(rig.port, target, {
      method: 'POST',
      body,
      headers: [...SCRIPT, 'X-Authenticate-Response: header', ...headers, cookie],
    })
  return { ...rig, app, cookie, send }
}

/** The transaction that a client is asked to have approved. */
function askedOf({ status, headers }: Answer): string | undefined {
  const advices = /advices="([^"]+)"/.exec(headers.get('www-authenticate') ?? '')?.[1] ?? ''
  assert.equal(status, 401)
  return (JSON.parse(Buffer.from(advices, 'base64').toString()) as Record<string, string[]>)[
    'TransactionConditionAdvice'
  ]?.[0]
}

suite('a client that brings the approval of its request', () => {
  for (const [how, brings] of Object.entries({
    'in the query': (id: string) => [`/approve/a?x=1&_txid=${id}`, []] as const,
    'in a header': (id: string) => ['/approve/a?x=1', [`X-TxID: ${id}`]] as const,
  })) {
    test(`${how}: the request passes once, and the application sees no trace of it`, async (t) => {
      const bench = await setup(t)
      assert.equal(askedOf(await bench.send('/approve/a?x=1')), ID)
      bench.transactions.approve()
      const [target, headers] = brings(ID)
      assert.equal((await bench.send(target, { headers })).status, 200)
      assert.deepEqual(
        bench.app.seen.map(({ target }) => target),
        ['/approve/a?x=1'],
      )
      assert.doesNotMatch(JSON.stringify(bench.app.seen), new RegExp(`${ID}|txid`, 'i'))
      assert.equal(askedOf(await bench.send(target, { headers })), OTHER, 'used: it is asked for anew')
      assert.equal(bench.transactions.asked.at(-1)?.request.url, 'http://app.test/approve/a?x=1')
      await bench.recorded(3)
      assert.doesNotMatch(JSON.stringify(bench.lines), new RegExp(`${ID}|txid`, 'i'))
    })
  }

  test('one that is unknown, or for another body, method, address or session, is none, and stays what it was', async (t) => {
    const bench = await setup(t)
    await bench.send('/approve/a')
    const id = bench.transactions.approve()
    assert.equal(askedOf(await bench.send(`/approve/a?_txid=${transactionId(99)}`)), OTHER)
    const headers = [`X-TxID: ${id}`]
    askedOf(await bench.send('/approve/a', { headers, body: '{"to":"eve"}' }))
    askedOf(await bench.send('/approve/b', { headers }))
    askedOf(await bench.send(`/approve/a?x=1&_txid=${id}`))
    const stranger = [...headers, `Cookie: ${bench.sessions.add(2, sessionOf('sid-2'))}`]
    const others = await ask(bench.port, '/approve/a', { method: 'POST', body: '{"to":"bob"}', headers: stranger })
    assert.equal(others.status, 401)
    assert.equal(bench.app.seen.length, 0)
    assert.equal((await bench.send('/approve/a', { headers })).status, 200)
  })

  test('an approval that a client names is not another one of the same request', async (t) => {
    const bench = await setup(t)
    await bench.send('/approve/a')
    bench.transactions.approve()
    askedOf(await bench.send('/approve/a', { headers: [`X-TxID: ${OTHER}`] }))
    assert.equal((await bench.send('/approve/a')).status, 200)
  })
})

test("the parameter is the application's own where no policy is asked, the header ours everywhere", async (t) => {
  const bench = await setup(t, { ssoOnly: true })
  assert.equal((await bench.send(`/a?_txid=${ID}`, { headers: [`X-TxID: ${ID}`] })).status, 200)
  assert.equal(bench.app.seen[0]?.target, `/a?_txid=${ID}`)
  assert.ok(bench.app.seen.every(({ headers }) => headers.every((name) => name.toLowerCase() !== 'x-txid')))
})

test('a redirect to the origin of the site brings the transaction along', async (t) => {
  const bench = await setup(t)
  const answer = await ask(bench.port, `/approve/a?_txid=${ID}`, { host: 'alias.test', headers: [bench.cookie] })
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, `http://app.test/approve/a?_txid=${ID}`])
})
