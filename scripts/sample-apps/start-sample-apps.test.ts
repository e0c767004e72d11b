import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { startSampleApps, type SampleApps } from './start-sample-apps.ts'

interface Seen {
  readonly site: string
  readonly method: string
  readonly url: string
  readonly user: string | null
  readonly groups: readonly string[]
  readonly bytes: number
  readonly headers: Readonly<Record<string, string>>
  readonly rawHeaders: readonly (readonly [string, string])[]
}

suite('sample applications', () => {
  let apps: SampleApps
  before(async () => {
    apps = await startSampleApps({ sites: { app: 'http://app.test', pay: 'http://pay.test' }, tickMs: 5 })
  })
  after(() => apps.close())

  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${apps.urls.app}${path}`, { headers })
  const text = async (path: string, headers?: Readonly<Record<string, string>>) => (await get(path, headers)).text()

  test('each has an address and a title of its own', async () => {
    const pages = await Promise.all(Object.values(apps.urls).map(async (url) => (await fetch(url)).text()))
    const titles = pages.map((page) => /<title>(.*)<\/title>/.exec(page)?.[1])
    assert.deepEqual(titles, ['Acme Intranet', 'Acme Pay', 'Acme Club', 'Partner Shop', 'Supplier Files'])
    assert.equal(new Set(Object.values(apps.urls)).size, 5)
  })

  test('the overview shows user and groups, percent-decoded', async () => {
    const page = await text('/', { 'X-Remote-User': 'j%C3%BCrgen', 'X-Remote-Groups': 'employees,fin%C3%A4nce' })
    assert.match(page, /class="big">jürgen</)
    assert.match(page, /<li>employees<\/li>\s*<li>finänce<\/li>/)
    assert.match(page, /href="\/\.gatehouse\/logout"/)
  })

  test('without identity headers nobody is named', async () => {
    const page = await text('/')
    assert.match(page, /The gateway named nobody/)
    assert.doesNotMatch(page, /Sign out/)
  })

  test('a header cannot bring markup into the page (cross-site scripting)', async () => {
    const attack = '"><script>alert(1)</script>'
    const page = await text('/', { 'X-Remote-User': attack, 'X-Remote-Groups': attack, 'X-Other': attack })
    assert.doesNotMatch(page, /<script>alert/)
    assert.match(page, /&quot;&gt;&lt;script&gt;alert/)
  })

  test('secrets are shortened on the page and whole in the JSON', async () => {
    const token = 'eyJ'.padEnd(500, 'x')
    const headers = { 'X-Gatehouse-Assertion': token }
    const page = await text('/', headers)
    assert.doesNotMatch(page, new RegExp(token))
    assert.match(page, /… \(500 characters\)/)
    const seen = (await (await get('/api/me', headers)).json()) as Seen
    assert.equal(seen.headers['x-gatehouse-assertion'], token)
  })

  test('/api/me tells any request as it was seen, headers in their own spelling', async () => {
    const response = await fetch(`${apps.urls.pay}/api/me?a=%20b`, {
      method: 'PUT',
      headers: { 'X-Remote-User': 'bob', 'X-Remote-Groups': 'employees,finance' },
      body: 'hello',
    })
    const seen = (await response.json()) as Seen
    const { site, method, url, user, groups, bytes } = seen
    assert.deepEqual(
      { site, method, url, user, groups, bytes },
      { site: 'pay', method: 'PUT', url: '/api/me?a=%20b', user: 'bob', groups: ['employees', 'finance'], bytes: 5 },
    )
    assert.ok(seen.rawHeaders.some(([name, value]) => name === 'X-Remote-User' && value === 'bob'))
  })

  test('pages name no other host but the samples that were given, and not themselves', async () => {
    const page = await text('/')
    const absolute = [...page.matchAll(/(?:href|src|action)="(https?:[^"]*)"/g)].map(([, url]) => url)
    assert.deepEqual(absolute, ['http://pay.test'])
  })

  test('the public page has everything it needs below /public/', async () => {
    const page = await text('/public/')
    const parts = [...page.matchAll(/(?:<link[^>]* href|src)="([^"]*)"/g)].map(([, url]) => url ?? '')
    assert.ok(parts.length >= 3)
    for (const part of parts) {
      assert.match(part, /^\/public\//)
      assert.equal((await get(part)).status, 200)
    }
  })

  test('a form shows what arrived, escaped', async () => {
    const response = await fetch(`${apps.urls.app}/form`, {
      method: 'POST',
      body: new URLSearchParams({ message: '<b>hi</b>', empty: '' }),
    })
    const page = await response.text()
    assert.match(page, /<dt>message<\/dt>\s*<dd>&lt;b&gt;hi&lt;\/b&gt;<\/dd>/)
    assert.match(page, /POST \/form, 34 bytes of application\/x-www-form-urlencoded/)
  })

  test('a transfer at pay arrives too, and only pay has one', async () => {
    const body = new URLSearchParams({ recipient: 'Northwind', amount: '120.00' })
    const response = await fetch(`${apps.urls.pay}/transfer`, { method: 'POST', body })
    assert.match(await response.text(), /Northwind/)
    assert.match(await (await fetch(`${apps.urls.pay}/transfer`)).text(), /name="recipient"/)
    assert.equal((await get('/transfer')).status, 404)
  })

  test('administration is at app', async () => {
    assert.match(await text('/admin/'), /<h1>Administration<\/h1>/)
    assert.equal((await fetch(`${apps.urls.shop}/admin/`)).status, 404)
  })

  test('the event stream keeps telling the time', async () => {
    const response = await get('/events')
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    let received = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      received += chunk
      if (received.includes('id: 3\n')) break
    }
    assert.match(received, /^id: 1\nevent: time\ndata: \{"time":"\d{4}-/)
  })

  test('the clock ticks and says back what it hears', async () => {
    const socket = new WebSocket(`${apps.urls.app.replace('http', 'ws')}/clock`)
    const heard: string[] = []
    socket.on('open', () => socket.send('echo'))
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data: Buffer) => {
        heard.push(data.toString())
        if (heard.includes('echo') && heard.length >= 3) resolve()
      })
    })
    socket.terminate()
    assert.match(heard[0] ?? '', /^\{"time":"\d{4}-/)
  })

  test('a slow page waits and says how long', async () => {
    const start = performance.now()
    assert.match(await text('/slow?seconds=0.05'), /That took 0\.05 s/)
    assert.ok(performance.now() - start >= 45)
  })

  test('a large download announces its length and keeps it', async () => {
    const response = await get('/large?mb=2.5')
    assert.equal(response.headers.get('content-length'), '2621440')
    assert.equal((await response.arrayBuffer()).byteLength, 2_621_440)
    const head = await fetch(`${apps.urls.app}/large?mb=2.5`, { method: 'HEAD' })
    assert.equal(head.headers.get('content-length'), '2621440')
  })

  test('a path that looks like a host is just a path', async () => {
    const { port } = new URL(apps.urls.app)
    for (const path of ['//', '//[', '//evil.test/']) {
      const [response] = (await once(request({ port, path }).end(), 'response')) as [IncomingMessage]
      response.resume()
      assert.equal(response.statusCode, 404, path)
    }
  })

  test('an unknown page is 404 in the same dress', async () => {
    const response = await get('/nowhere')
    assert.equal(response.status, 404)
    assert.match(await response.text(), /No such page/)
  })
})

test('closing ends open streams and sockets', async () => {
  const apps = await startSampleApps({ tickMs: 60_000 })
  const stream = await fetch(`${apps.urls.club}/events`)
  const socket = new WebSocket(`${apps.urls.club.replace('http', 'ws')}/clock`)
  await once(socket, 'open')
  const closed = once(socket, 'close')
  const ended = assert.rejects(stream.text())
  await apps.close()
  await Promise.all([closed, ended])
})

test('main prints one line with the addresses and ends on SIGTERM', async (t) => {
  const sites = JSON.stringify({ club: 'http://club.test' })
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url))], {
    env: { ...process.env, SAMPLE_SITES: sites },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const urls = JSON.parse(line) as Readonly<Record<string, string>>
  assert.deepEqual(Object.keys(urls), ['app', 'pay', 'club', 'shop', 'files'])
  assert.match(await (await fetch(urls['app'] ?? '')).text(), /href="http:\/\/club\.test"/)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('a sample site that is no http URL stops the start', async (t) => {
  const before = process.env['SAMPLE_SITES']
  t.after(() => {
    if (before === undefined) delete process.env['SAMPLE_SITES']
    else process.env['SAMPLE_SITES'] = before
  })
  process.env['SAMPLE_SITES'] = '{"app":"javascript:alert(1)"}'
  await assert.rejects(startSampleApps(), /app is not an http or https URL/)
})
