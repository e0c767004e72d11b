import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { headersOf, identityOf } from './identity.ts'
import {
  adminPage,
  notFound,
  overview,
  publicPage,
  received,
  slowPage,
  transferPage,
  type PageContext,
} from './pages.ts'
import { readForm } from './read-form.ts'
import type { SiteContent, SiteId } from './sites.ts'
import { streamEvents, streamLarge, waitSlowly } from './streams.ts'

export interface SampleAppOptions {
  readonly site: SiteContent
  /** Where the other samples are, as browsers see them. */
  readonly sites: Readonly<Partial<Record<SiteId, string>>>
  /** Milliseconds between two events and between two ticks of the clock. */
  readonly tickMs: number
}

export interface SampleApp {
  readonly url: string
  close(): Promise<void>
}

interface Call extends SampleAppOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
}

type Handler = (call: Call) => void | Promise<void>

/** Starts one application on a port of its own, reachable from this machine only. */
export async function startSampleApp(options: SampleAppOptions): Promise<SampleApp> {
  const server = createServer((request, response) => {
    const call = { ...options, request, response, url: urlOf(request.url ?? '/') }
    answer(call).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  const clock = serveClock(server, options.tickMs)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const socket of clock.clients) socket.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Appended, not resolved: `//x` is a path here, not another host, and nothing that a client sends can make this throw. */
function urlOf(target: string): URL {
  return URL.parse(`http://upstream${target}`) ?? new URL('http://upstream/')
}

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /': (call) => page(call, overview(contextOf(call))),
  'POST /form': acceptForm,
  'GET /events': ({ response, tickMs }) => streamEvents(response, tickMs),
  'GET /slow': async (call) => {
    const seconds = await waitSlowly(call.url.searchParams.get('seconds'), call.response)
    if (seconds !== undefined) page(call, slowPage(contextOf(call), seconds))
  },
  'GET /large': ({ response, url }) => streamLarge(response, url.searchParams.get('mb')),
  'GET /public/site.css': (call) => asset(call, 'text/css; charset=utf-8', stylesheet(call.site)),
  'GET /public/site.js': (call) => asset(call, 'text/javascript; charset=utf-8', SCRIPT),
  'GET /public/icon.svg': (call) => asset(call, 'image/svg+xml', icon(call.site)),
}

const EXTRA_PAGES: Readonly<Record<SiteContent['pages'][number]['page'], (context: PageContext) => string>> = {
  admin: adminPage,
  public: publicPage,
  transfer: transferPage,
}

async function answer(call: Call): Promise<void> {
  const { request, response, site, url } = call
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (url.pathname === '/api/me') return me(call)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = ROUTES[`${method ?? 'GET'} ${url.pathname}`]
  if (route !== undefined) return route(call)
  const extra = site.pages.find(({ path }) => path === url.pathname)
  if (extra === undefined) {
    page(call, notFound(contextOf(call)), 404)
    return
  }
  if (method === 'POST') return acceptForm(call)
  page(call, EXTRA_PAGES[extra.page](contextOf(call)))
}

function contextOf({ request, site, sites, url }: Call): PageContext {
  return { site, sites, path: url.pathname, identity: identityOf(request), headers: headersOf(request) }
}

async function acceptForm(call: Call): Promise<void> {
  const form = await readForm(call.request)
  page(call, received(contextOf(call), form))
}

/** The request as the application sees it, whatever its method; tests of the gateway read this. */
async function me({ request, response, site }: Call): Promise<void> {
  const { bytes } = await readForm(request)
  const { user, groups } = identityOf(request)
  const { method, url, httpVersion, headers } = request
  const seen = { site: site.id, method, url, httpVersion, user: user ?? null, groups, bytes, headers }
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Cache-Control', 'no-store')
  response.end(JSON.stringify({ ...seen, rawHeaders: headersOf(request) }))
}

const PAGE_POLICY = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

function page({ response }: Call, markup: string, status = 200): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(markup),
    'Content-Security-Policy': PAGE_POLICY,
  })
  response.end(markup)
}

const STYLE = readFileSync(new URL('site.css', import.meta.url), 'utf8')
const SCRIPT = readFileSync(new URL('site.js', import.meta.url), 'utf8')

function stylesheet({ color }: SiteContent): string {
  return `${STYLE}
:root { --accent: ${color.light}; }
@media (prefers-color-scheme: dark) { :root { --accent: ${color.dark}; } }
`
}

function icon({ color, title }: SiteContent): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${color.light}"/><text x="16" y="22" text-anchor="middle" font-family="system-ui, sans-serif" font-size="17" font-weight="700" fill="#fff">${title.split(' ').at(-1)?.charAt(0) ?? ''}</text></svg>`
}

function asset({ response }: Call, type: string, body: string): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-cache',
  })
  response.end(body)
}

/** Tells the time at once and then with every tick; anything that a client says is said back. */
function serveClock(server: Server, tickMs: number): WebSocketServer {
  const clock = new WebSocketServer({ server, path: '/clock', maxPayload: 65_536 })
  clock.on('connection', (socket) => {
    const tell = () => socket.send(JSON.stringify({ time: new Date().toISOString() }))
    const timer = setInterval(tell, tickMs)
    tell()
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => clearInterval(timer))
  })
  return clock
}
