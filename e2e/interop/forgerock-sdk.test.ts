import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WebSocket } from 'ws'
import type { Client } from '../client.ts'
import { signedIn } from './exchange.ts'
import { startGateway, type Gateway } from './gateway.ts'

/** What of the released SDK is about sessions. */
interface Sdk {
  readonly Config: { set(options: object): void }
  readonly SessionManager: { logout(): Promise<Response> }
}

const APPS = fileURLToPath(new URL('../../.runtime/foreign-apps', import.meta.url))
const SDK = join(APPS, 'node_modules', '@forgerock', 'javascript-sdk', 'dist', 'index.js')

let gateway: Gateway

before(async () => {
  gateway = await startGateway({ agents: { wiki: { ssoOnly: true, upstream: { servers: ['http://127.0.0.1:1'] } } } })
})

after(() => gateway.stop())

/** As in a page of the login host: the cookies of this browser, and what it says about where a request comes from. */
function fetchAs(client: Client): typeof fetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    const fromPage = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }
    const headers = { ...fromPage, origin: gateway.login, ...Object.fromEntries(new Headers(init.headers)) }
    assert.equal(init.credentials, 'include')
    const { status, body } = await client.call(url, { method: init.method ?? 'GET', headers })
    return new Response(body, { status, headers: { 'content-type': 'application/json' } })
  }
}

/** A program that listens with the token of another session of the same person. */
async function listening(client: Client): Promise<{ readonly event: Promise<unknown> }> {
  const { host, hostname, port } = new URL(gateway.login)
  const headers = { host, SSOTokenID: client.cookie(hostname, 'SSOTokenID') ?? '' }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/notifications`, 'v1.notifications.forgerock.org', { headers })
  await once(socket, 'open')
  socket.send('{"action":"subscribe","topic":"/agent/session"}')
  await once(socket, 'message')
  const event = once(socket, 'message').then(([data]) => {
    socket.terminate()
    return (JSON.parse((data as Buffer).toString('utf8')) as { body: { eventType: string } }).body.eventType
  })
  return { event }
}

test('the released ForgeRock SDK signs a browser out, everywhere', async (t) => {
  if (!existsSync(SDK)) throw new Error('the SDK is not installed: run `npm run interop`')
  const { Config, SessionManager } = (await import(pathToFileURL(SDK).href)) as Sdk
  const alice = await signedIn(gateway, 'wiki', 'alice')
  const whoAmI = async (): Promise<number> => {
    const answer = await alice.call(`${gateway.site('wiki')}/.gatehouse/whoami`, {
      headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
    })
    return answer.status
  }
  assert.equal(await whoAmI(), 200)
  Config.set({ serverConfig: { baseUrl: `${gateway.login}/`, timeout: 5_000 }, realmPath: 'staff' })
  t.mock.method(globalThis, 'fetch', fetchAs(alice))
  const { event } = await listening(await signedIn(gateway, 'wiki', 'alice'))
  const answer = await SessionManager.logout()
  assert.deepEqual([answer.status, await answer.json()], [200, { result: 'Successfully logged out' }])
  assert.equal(await event, 'LOGOUT', 'who listens is told')
  assert.equal(await whoAmI(), 401)
  assert.equal(alice.cookie(new URL(gateway.login).hostname, 'SSOTokenID'), undefined, 'the browser forgot its cookie')
  const again = await SessionManager.logout()
  assert.deepEqual([again.status, await again.json()], [200, { result: 'Token has expired' }])
})
