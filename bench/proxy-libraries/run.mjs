import { execFile, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { Agent, createServer, get } from 'node:http'
import { connect } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { lenientUpstream } from './lenient-upstream.mjs'

const NAMES = ['undici', 'gatehouse', 'node:http', 'http-proxy', 'http-proxy-3', 'httpxy']
const CONNECTIONS = 32
const here = (file) => fileURLToPath(new URL(file, import.meta.url))

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})

async function startProxy(name, target, folder) {
  const child = fork(here('proxies.mjs'), [name, target, folder], { execArgv: ['--no-warnings'] })
  const [{ port }] = await once(child, 'message')
  return { child, port, stop: () => child.disconnect() }
}

async function cpuMicros({ child }) {
  child.send('cpu')
  const [{ cpu }] = await once(child, 'message')
  return cpu.user + cpu.system
}

/** The raw answers to `text` on a connection of its own. */
async function exchange(port, text) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk))
  await once(socket, 'close')
  return answer
}

async function smuggling(folder) {
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n'
  const body = `Transfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
  const rows = []
  for (const name of NAMES) {
    const upstream = await lenientUpstream()
    const proxy = await startProxy(name, upstream.url, folder)
    for (const method of ['DELETE', 'OPTIONS']) {
      await exchange(proxy.port, `${method} /sent HTTP/1.1\r\nHost: app.example.test\r\nConnection: close\r\n${body}`)
    }
    // One more, so that whatever a smuggled request left in the upstream has been read.
    await exchange(proxy.port, 'GET /after HTTP/1.1\r\nHost: app.example.test\r\nConnection: close\r\n\r\n')
    proxy.stop()
    upstream.server.close()
    const smuggled = upstream.targets.filter((target) => target === 'GET /smuggled').length
    rows.push({ proxy: name, smuggled, 'upstream took for requests': upstream.targets.join(', ') })
  }
  return rows
}

const runFile = promisify(execFile)
const hasWrk = spawnSync('wrk', ['-v']).error === undefined

/** Requests answered within `seconds`. */
async function load(port, seconds) {
  const url = `http://127.0.0.1:${port}/page?n=1`
  if (!hasWrk) return loadFromNode(url, seconds)
  const { stdout } = await runFile('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-H', 'Cookie: a=1; b=2', url])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  return Number(/(\d+) requests in/.exec(stdout)[1])
}

async function loadFromNode(url, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const until = Date.now() + seconds * 1_000
  let count = 0
  const worker = async () => {
    while (Date.now() < until) {
      const [answer] = await once(get(url, { agent }), 'response')
      await once(answer.resume(), 'end')
      count++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  agent.destroy()
  return count
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

async function cpu(folder) {
  const page = Buffer.alloc(1_024, 'x')
  const application = createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'text/html',
      'content-length': page.length,
      etag: '"1"',
      vary: 'accept',
      'set-cookie': ['a=1', 'b=2'],
    })
    response.end(page)
  })
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  const target = `http://127.0.0.1:${application.address().port}`
  const proxies = new Map()
  for (const name of NAMES) proxies.set(name, await startProxy(name, target, folder))
  for (const { port } of proxies.values()) await load(port, 1)

  const seconds = Number(options.seconds)
  const perRequest = new Map(NAMES.map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of NAMES) {
      const proxy = proxies.get(name)
      const before = await cpuMicros(proxy)
      const requests = await load(proxy.port, seconds)
      perRequest.get(name).push(((await cpuMicros(proxy)) - before) / requests)
    }
  }
  for (const proxy of proxies.values()) proxy.stop()
  application.close()
  application.closeAllConnections()

  const base = perRequest.get('undici')
  return NAMES.map((name) => {
    const micros = perRequest.get(name)
    const ratios = micros.map((value, round) => value / base[round])
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)]
    return {
      proxy: name,
      ratio: median(ratios).toFixed(2),
      range: `${low.toFixed(2)} to ${high.toFixed(2)}`,
      'µs CPU': median(micros).toFixed(0),
    }
  })
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proxy-libraries-'))
try {
  copyFileSync(here('package.json'), join(folder, 'package.json'))
  const flags = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--silent']
  spawnSync('npm', flags, { stdio: 'inherit' })
  console.log(`node ${process.version}, ${cpus().length} cores, load from ${hasWrk ? 'wrk' : 'node'}`)
  if (options.only !== 'cpu') console.table(await smuggling(folder))
  if (options.only !== 'smuggling') console.table(await cpu(folder))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
