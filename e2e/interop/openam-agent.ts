import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closeServer } from './program.ts'

/** What of the released agent a test uses. */
export interface PolicyAgent {
  shield(shield: object): Middleware
  cdsso(): Middleware
  notifications(): Middleware
  getCDSSOUrl(request: object): string
  /** Asks for a session of its own, or gives the one that it has. */
  getAgentSession(): Promise<{ readonly tokenId: string }>
  /** Has the server say whether a session is one. */
  validateSession(sessionId: string): Promise<{ readonly valid: boolean; readonly uid?: string }>
  on(event: 'session', listener: (session: Readonly<Record<string, string>>) => void): void
  destroy(): Promise<void>
  readonly sessionCache: { quit(): Promise<void> }
}

type Middleware = (request: object, response: object, next: () => void) => void

interface AppRequest {
  readonly session: { readonly data: { readonly valid?: boolean; readonly uid?: string } }
}

interface AppResponse {
  send(text: string): void
  redirect(location: string): void
}

interface Library {
  readonly PolicyAgent: new (options: object) => PolicyAgent
  readonly CookieShield: new (options?: object) => object
  readonly PolicyShield: new (application?: string) => object
}

interface Express {
  use(...handlers: readonly unknown[]): void
  get(path: string, ...handlers: readonly unknown[]): void
  listen(port: number, host: string): Server
}

const APPS = fileURLToPath(new URL('../../.runtime/foreign-apps', import.meta.url))
const PACKAGE = join(APPS, 'node_modules', '@forgerock', 'openam-agent', 'package.json')

export interface ProtectedApp {
  readonly url: string
  readonly agent: PolicyAgent
  /** Settles when the agent has said that it will be told of the end of this session. */
  listensTo(token: string): Promise<void>
  stop(): Promise<void>
}

export interface ProtectedAppOptions {
  /** Origin of the login host, as browsers know it. */
  readonly login: string
  readonly url: string
  readonly id: string
  readonly password: string
  /** Whether it gets its token from /cdcservlet. */
  readonly cdsso: boolean
  readonly notifications?: boolean
}

/** An express application that says who is there, and the unmodified agent inside of it. `/ops` is for whom a policy lets in. */
export async function startProtectedApp(options: ProtectedAppOptions): Promise<ProtectedApp> {
  if (!existsSync(PACKAGE)) throw new Error('the agent is not installed: run `npm run interop`')
  // It would end this process with its own, were this no test.
  process.env['NODE_ENV'] = 'test'
  const require = createRequire(PACKAGE)
  const library = require(dirname(PACKAGE)) as Library
  const express = require('express') as () => Express
  const { login, url, id, password, cdsso } = options
  const { logger, listensTo } = createAgentLog()
  const agent = new library.PolicyAgent({
    serverUrl: login,
    // Without it the agent makes no request at all under the Node of today: it sends the header Host empty.
    privateIP: '127.0.0.1',
    ...{ appUrl: url, realm: '/staff', username: id, password, logger },
  })
  const app = express()
  if (cdsso) app.use(agent.cdsso())
  if (options.notifications === true) app.use(agent.notifications())
  // With `cdsso` alone the shield of 5.0.1 refuses everybody (400, Domain mismatch), so the application sends people on itself.
  const shield = agent.shield(new library.CookieShield({ cdsso, passThrough: cdsso }))
  const guard = (request: AppRequest, response: AppResponse, next: () => void): void => {
    if (request.session.data.valid === true) next()
    else response.redirect(agent.getCDSSOUrl(request))
  }
  const hello = (request: AppRequest, response: AppResponse): void =>
    response.send(`hello ${request.session.data.uid ?? ''}`)
  app.get('/ops', shield, guard, agent.shield(new library.PolicyShield()), hello)
  app.get('/hello', shield, guard, hello)
  const server = app.listen(Number(new URL(url).port), '127.0.0.1')
  await once(server, 'listening')
  if ((server.address() as AddressInfo).port === 0) throw new Error('the application has no port')
  return {
    url,
    agent,
    listensTo,
    async stop() {
      await closeServer(server)
      // It fails where its own login has, and then leaves a timer of its cache.
      await agent.destroy().catch(() => agent.sessionCache.quit())
    },
  }
}

/** The agent asks for notifications beside the request that brings a session, and says so in its log alone. */
function createAgentLog() {
  const registered = new Set<unknown>()
  let wake = (): void => undefined
  const ignore = (): void => undefined
  const info = (message: unknown, token?: unknown): void => {
    if (!String(message).includes('registered session listener')) return
    registered.add(token)
    wake()
  }
  const listensTo = async (token: string): Promise<void> => {
    while (!registered.has(token)) await new Promise<void>((resolve) => (wake = resolve))
  }
  return { logger: { debug: ignore, error: ignore, info }, listensTo }
}
