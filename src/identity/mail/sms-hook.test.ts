import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { suite, test, type TestContext } from 'node:test'
import type { EpochMs } from '../../base/brand.ts'
import type { Log } from '../../telemetry/log.ts'
import { smsSchema } from './mail.schema.ts'
import type { Messenger } from './messenger.ts'
import { createSmsHook } from './sms-hook.ts'

const SECRET = 'a secret of more than 32 characters'
const NOW = 1_800_000_000_000 as EpochMs
const silent: Log = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined }

interface Call {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function scene(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  timeout = '20s',
): Promise<{ readonly calls: Call[]; readonly hook: Messenger }> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.once('end', () => {
      calls.push({ path: request.url ?? '', headers: request.headers, body })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const config = smsSchema.parse({ url: `http://127.0.0.1:${port}/send`, secret: SECRET, timeout, queue: 1 })
  return { calls, hook: createSmsHook(config, { log: silent, clock: () => NOW }) }
}

function message(to: string): Parameters<Messenger['send']>[0] {
  return { to, from: 'Acme', subject: '', text: '12345678 is your code', html: '' }
}

suite('text messages', () => {
  test('to nobody take as long as the last one to somebody', async (t) => {
    const { hook } = await scene(t, (_, response) => setTimeout(() => response.writeHead(202).end(), 40))
    assert.equal(await hook.send(message('+41791234567')), true)
    const began = performance.now()
    assert.equal(await hook.probe(), true)
    assert.ok(performance.now() - began >= 35)
  })

  test('are a signed POST to the configured address', async (t) => {
    const { hook, calls } = await scene(t, (_, response) => response.writeHead(202).end())
    assert.equal(await hook.send(message('+41 79 123 45 67')), true)
    const [call] = calls
    assert.ok(call !== undefined)
    assert.equal(call.path, '/send')
    assert.deepEqual(JSON.parse(call.body), { to: '+41791234567', text: '12345678 is your code' })
    const signed = createHmac('sha256', SECRET).update(`1800000000.${call.body}`).digest('hex')
    assert.equal(call.headers['x-gatehouse-timestamp'], '1800000000')
    assert.equal(call.headers['x-gatehouse-signature'], `sha256=${signed}`)
  })

  test('are not sent where a redirect leads, and a refusal is none that was sent', async (t) => {
    const { hook, calls } = await scene(t, ({ url }, response) => {
      response.writeHead(url === '/send' ? 307 : 200, { Location: '/elsewhere' }).end()
    })
    assert.equal(await hook.send(message('+41791234567')), false)
    assert.deepEqual(
      calls.map(({ path }) => path),
      ['/send'],
    )
    const refusing = await scene(t, (_, response) => response.writeHead(500).end())
    assert.equal(await refusing.hook.send(message('+41791234567')), false)
  })

  test('a service that hangs costs the time-out, and further ones fail at once', async (t) => {
    const { hook, calls } = await scene(t, () => undefined, '1s')
    const first = hook.send(message('+41791234567'))
    assert.equal(await hook.send(message('+41791234568')), false)
    assert.equal(await first, false)
    assert.equal(calls.length, 1)
  })

  for (const to of ['alice@acme.example', '', '12', '+41791234567;+41', '../admin']) {
    test(`no message goes to ${JSON.stringify(to)}`, async (t) => {
      const { hook, calls } = await scene(t, (_, response) => response.end())
      assert.equal(await hook.send(message(to)), false)
      assert.equal(calls.length, 0)
    })
  }
})

test('the address of the service is https, or on this machine', () => {
  const parse = (url: string): boolean => smsSchema.safeParse({ url, secret: SECRET }).success
  assert.deepEqual(
    ['https://sms.example/send', 'http://127.0.0.1:9/x', 'http://sms.example/send', 'ftp://sms.example/'].map(parse),
    [true, true, false, false],
  )
})
