import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ALICE, createMachine, established, FROM } from '../../../session/processes.fixture.ts'
import { createAgents } from '../../agents.fixture.ts'
import { createSessionListeners } from './listeners.ts'
import { readAddListener } from './messages.ts'
import { createSessionServiceApi } from './session-service.ts'

interface Asked {
  readonly agent: string
  readonly session: string
  readonly url?: string
}

const AT = 'http://legacy.acme.test/agent/notifications'

/** What the agent for Node.js sends. */
function xmlOf({ agent, session, url = AT }: Asked): string {
  const requester = Buffer.from(`token: ${agent}`).toString('base64')
  const request = `<?xml version="1.0"?><SessionRequest vers="1.0" reqid="Xk_2-9" requester="${requester}"><AddSessionListener><URL>${url}</URL><SessionID>${session}</SessionID></AddSessionListener></SessionRequest>`
  return `<?xml version="1.0"?><RequestSet vers="1.0" svcid="Session" reqid="a1"><Request><![CDATA[${request}]]></Request></RequestSet>`
}

async function open(t: TestContext) {
  const machine = createMachine(t)
  const process = await machine.start()
  const { clock, log, audited } = machine
  const audit = { record: (event: (typeof audited)[number]) => void audited.push(event) }
  const { agents, signInAgent, tokenAt } = createAgents(process, { audit, clock })
  const posts: { url: string; xml: string }[] = []
  let wake = (): void => undefined
  const post = (url: string, xml: string): Promise<void> => {
    posts.push({ url, xml })
    wake()
    return url.includes('deaf') ? Promise.reject(new Error('nobody answers')) : Promise.resolve()
  }
  const until = async (count: number): Promise<typeof posts> => {
    while (posts.length < count) await new Promise<void>((resolve) => (wake = resolve))
    return posts
  }
  const listeners = createSessionListeners({ revocations: process.store.revocations, post, log })
  const api = createSessionServiceApi({ sessions: process.sessions, agents, listeners, log })
  const facts = { requestId: 'r-9', client: { ip: '192.0.2.9', scheme: 'http', peer: '192.0.2.9' } } as const
  const server = createServer((request, response) => {
    if (!api(request, response, facts)) response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    listeners.close()
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const send = async (xml: string, path = '/sessionservice', method = 'POST') => {
    const body = method === 'POST' ? { body: xml, headers: { 'content-type': 'text/xml' } } : {}
    const response = await fetch(base + path, { method, ...body })
    return { status: response.status, text: await response.text() }
  }
  const alice = await established(process.sessions.establish(ALICE, FROM))
  const end = (sid = alice.session.sid) => process.sessions.end(sid, 'logout', FROM)
  return { process, send, signInAgent, tokenAt, posts, until, alice, end }
}

test('an agent is told of the end of a session that it asked about, by the token that it knows, once', async (t) => {
  const { send, signInAgent, tokenAt, alice, end, until, process, posts } = await open(t)
  const [agent, session] = [await signInAgent('legacy'), await tokenAt('legacy', alice.session)]
  for (const path of ['/sessionservice', '/openam/sessionservice']) {
    const { status, text } = await send(xmlOf({ agent, session }), path)
    assert.equal(status, 200)
    assert.match(text, /<ResponseSet vers="1.0" svcid="Session" reqid="a1">.*reqid="Xk_2-9"><AddSessionListener><OK>/)
  }
  const other = await established(process.sessions.establish(ALICE, FROM))
  await end(other.session.sid)
  await end()
  const [{ url, xml } = { url: '', xml: '' }] = await until(1)
  assert.equal(url, AT)
  assert.match(
    xml,
    /<NotificationSet vers="1.0" svcid="session" notid="\d+"><Notification><!\[CDATA\[<SessionNotification/,
  )
  assert.ok(xml.includes(`<Session sid="${session}" `) && xml.includes(' state="destroyed">'))
  assert.ok(xml.includes('<Type>4</Type>'))
  assert.equal(posts.length, 1)
})

test('CVE-2026-44202: nobody but an agent is served, about its own sessions, at its own origin', async (t) => {
  const { send, signInAgent, tokenAt, alice, end, process, posts } = await open(t)
  const [agent, other] = [await signInAgent('legacy'), await signInAgent('other')]
  const session = await tokenAt('legacy', alice.session)
  const dave = await established(process.sessions.establish({ ...ALICE, realm: '/customers' as never }, FROM))
  const good: Asked = { agent, session }
  const refusals: readonly Asked[] = [
    { ...good, agent: 'nobody' },
    { ...good, agent: alice.token },
    { ...good, agent: session },
    { ...good, session: 'nothing' },
    { ...good, session: agent },
    { ...good, session: await tokenAt('app', alice.session) },
    { ...good, session: dave.token },
    { agent: other, session: dave.token, url: 'http://other.acme.test/agent/notifications' },
    ...[
      'http://127.0.0.1/x',
      'http://169.254.169.254/latest/meta-data/',
      'http://other.acme.test/x',
      'http://legacy.acme.test:8080/x',
      'https://legacy.acme.test/x',
      'http://legacy.acme.test',
      'http://legacy.acme.test@evil.example/',
      'http://legacy.acme.test/@evil.example/',
      'http://legacy.acme.test.evil.example/',
      'HTTP://legacy.acme.test/x',
      'http://legacy.acme.test/\\evil.example',
      'file:///etc/passwd',
    ].map((url) => ({ ...good, url })),
  ]
  for (const asked of refusals) {
    const { status, text } = await send(xmlOf(asked))
    assert.equal(status, 200)
    assert.match(text, /<AddSessionListener><Exception>/, JSON.stringify(asked))
  }
  await end()
  const { text } = await send(xmlOf(good))
  assert.match(text, /<Exception>/, 'a session that is over')
  assert.deepEqual(posts, [])
})

test('no other request is read, whatever it is', async (t) => {
  const { send, signInAgent, tokenAt, alice } = await open(t)
  const xml = xmlOf({ agent: await signInAgent('legacy'), session: await tokenAt('legacy', alice.session) })
  for (const text of [
    '',
    '<x/>',
    `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml}`,
    xml.replaceAll('AddSessionListener', 'GetSessionCount'),
    xml.replace('svcid="Session"', 'svcid="Policy"'),
    xml.replace(/requester="[^"]*"/, 'requester="bm9uZQ=="'),
    xml.replace('</SessionID>', '</SessionID><SessionID>x</SessionID>'),
  ])
    assert.equal((await send(text)).status, 400, text)
  assert.equal((await send('x'.repeat(20_000))).status, 413)
  assert.equal((await send('', '/sessionservice', 'GET')).status, 405)
})

test('space is read once, however much of it there is (ReDoS)', () => {
  const xml = xmlOf({ agent: 'a', session: 's' })
  assert.ok(readAddListener(`\n ${xml.replace('<Request>', ' <Request>\n')}\n`))
  const space = ' '.repeat(64_000)
  const from = process.cpuUsage()
  for (const text of [
    space,
    `<?xml version="1.0"?>${space}`,
    `${xml}${space}x`,
    xml.replace('<![CDATA[', `<![CDATA[${space}x`),
    xml.replace('</Request>', `</Request>${']]></Request>'.repeat(5_000)}`),
  ])
    assert.equal(readAddListener(text), undefined)
  // Microseconds. By the square of the length it is half a minute.
  assert.ok(process.cpuUsage(from).user < 3_000_000)
})

test('an agent that does not answer keeps nobody else from being told', async (t) => {
  const { send, signInAgent, tokenAt, alice, end, until } = await open(t)
  const agent = await signInAgent('legacy')
  const session = await tokenAt('legacy', alice.session)
  for (const url of ['http://legacy.acme.test/deaf', AT]) await send(xmlOf({ agent, session, url }))
  await end()
  assert.deepEqual(
    (await until(2)).map(({ url }) => url),
    ['http://legacy.acme.test/deaf', AT],
  )
})
