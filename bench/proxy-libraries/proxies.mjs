// One proxy in a process of its own: node proxies.mjs NAME TARGET FOLDER, forked. Sends { port }, answers 'cpu' with its CPU time.
import { Agent, createServer, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Pool } from 'undici'
import { createUpstream } from '../../src/gateway/upstream/create-upstream.ts'

const ONE_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
])
const CONNECTIONS = 128

function endToEnd(raw) {
  const kept = []
  for (let at = 0; at < raw.length; at += 2) if (!ONE_HOP.has(raw[at].toLowerCase())) kept.push(raw[at], raw[at + 1])
  return kept
}

const keepAlive = () => new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const library = (folder) => createRequire(pathToFileURL(`${folder}/package.json`))

function fail(response) {
  if (response.headersSent) response.destroy()
  else response.writeHead(502).end()
}

function classic(httpProxy, target) {
  const proxy = httpProxy.createProxyServer({ target, agent: keepAlive() })
  proxy.on('error', (_error, _request, response) => fail(response))
  return (request, response) => proxy.web(request, response)
}

const PROXIES = {
  gatehouse(target) {
    const log = { error() {}, warn() {}, info() {}, debug() {} }
    const config = {
      servers: [target],
      hostHeader: 'site',
      connections: CONNECTIONS,
      connectTimeout: 5_000,
      responseTimeout: 60_000,
      idleTimeout: 300_000,
    }
    const upstream = createUpstream(config, { name: 'bench', siteHost: 'app.example.test', log, clock: Date.now })
    const rewrite = (_status, headers) => headers
    return (request, response) => {
      const outgoing = { method: request.method, target: request.url, headers: endToEnd(request.rawHeaders) }
      upstream.forward({ request, outgoing, rewrite, signal: undefined }, response).catch(() => fail(response))
    }
  },

  undici(target) {
    const pool = new Pool(target, { connections: CONNECTIONS })
    return (request, response) => {
      const { headers, method } = request
      const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
      pool.dispatch(
        { path: request.url, method, headers: endToEnd(request.rawHeaders), body: hasBody ? request : null },
        {
          onRequestStart() {},
          onResponseStart({ rawHeaders }, status) {
            if (status >= 200) response.writeHead(status, endToEnd(rawHeaders.map((part) => part.toString('latin1'))))
          },
          onResponseData(controller, chunk) {
            if (response.write(chunk)) return
            controller.pause()
            response.once('drain', () => controller.resume())
          },
          onResponseEnd: () => response.end(),
          onResponseError: () => fail(response),
        },
      )
    }
  },

  'node:http'(target) {
    const { hostname, port } = new URL(target)
    const agent = keepAlive()
    return (request, response) => {
      const headers = endToEnd(request.rawHeaders)
      if (request.headers['transfer-encoding'] !== undefined) headers.push('transfer-encoding', 'chunked')
      const outgoing = httpRequest({ hostname, port, agent, method: request.method, path: request.url, headers })
      outgoing.on('error', () => fail(response))
      outgoing.on('response', (answer) => {
        response.writeHead(answer.statusCode, endToEnd(answer.rawHeaders))
        answer.pipe(response)
      })
      request.pipe(outgoing)
    }
  },

  'http-proxy': (target, folder) => classic(library(folder)('http-proxy'), target),
  'http-proxy-3': (target, folder) => classic(library(folder)('http-proxy-3'), target),

  async httpxy(target, folder) {
    const { createProxyServer } = await import(pathToFileURL(library(folder).resolve('httpxy')).href)
    const proxy = createProxyServer({ target, agent: keepAlive() })
    proxy.on('error', (_error, _request, response) => fail(response))
    return (request, response) => void proxy.web(request, response).catch(() => fail(response))
  },
}

const [name, target, folder] = process.argv.slice(2)
const server = createServer(await PROXIES[name](target, folder))
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())
