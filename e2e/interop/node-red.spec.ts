import { expect, test as base, type Page, type WebSocket } from '@playwright/test'
import { Client } from '../client.ts'
import { passwordOf, startGateway, type Gateway, type Profile } from './gateway.ts'
import { flowLabelled, startNodeRed, type NodeRed } from './node-red.ts'

/** One Node-RED and one gateway before it for all tests; each test has its own browser context, so its own session. */
const test = base.extend<object, { gateway: Gateway }>({
  gateway: [
    async ({}, use) => {
      const app = await startNodeRed()
      try {
        const gateway = await startGateway({ agents: profilesOf(app) })
        await use(gateway)
        await gateway.stop()
      } finally {
        await app.stop()
      }
    },
    { scope: 'worker', timeout: 100_000 },
  ],
})

function profilesOf({ url }: NodeRed): Readonly<Record<string, Profile>> {
  const profile = { ssoOnly: true, upstream: { servers: [url] } }
  return {
    flows: { ...profile, title: 'Flows' },
    // Keys of the context store may hold slashes, which the editor encodes.
    slashes: { ...profile, encodedPaths: [{ prefix: '/context/', allow: ['encoded-slash'] }] },
  }
}

/** What the page was refused, and what never arrived. The editor's own slips (closing a dialog early) are not counted. */
function refusals(page: Page): string[] {
  const found: string[] = []
  page.on('response', (response) => {
    if (response.status() >= 400) found.push(`${response.status()} ${response.request().method()} ${response.url()}`)
  })
  page.on('requestfailed', (request) => found.push(`${request.failure()?.errorText} ${request.url()}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && /Failed to load|Refused to|WebSocket/.test(message.text()))
      found.push(message.text())
  })
  return found
}

async function openEditor(page: Page, gateway: Gateway, agent: string): Promise<WebSocket> {
  const site = gateway.site(agent)
  const socket = page.waitForEvent('websocket', (found) => new URL(found.url()).pathname === '/comms')
  await page.goto(`${site}/`)
  await expect(page).toHaveURL(new RegExp(`^${gateway.login}/login/staff\\?`))
  await page.locator('input[autocomplete~="username"]').fill('alice')
  await page.locator('input[type="password"]').fill(passwordOf('alice'))
  await page.locator('form button[type="submit"]').first().click()
  await expect(page).toHaveURL(new RegExp(`^${site}/`))
  await expect(page.locator('#red-ui-palette').getByText('inject', { exact: true })).toBeVisible()
  return socket
}

async function importFlow(page: Page, label: string): Promise<void> {
  await page.locator('#red-ui-workspace-chart').press('Control+i')
  const text = page.locator('#red-ui-clipboard-dialog-import-text')
  await text.fill(JSON.stringify(flowLabelled(label)))
  await text.press('End')
  await page.locator('#red-ui-clipboard-dialog-ok').click()
  await page.locator('.red-ui-tab').filter({ hasText: label }).first().click()
}

async function deploy(page: Page): Promise<void> {
  const deployed = page.waitForResponse(
    (response) => new URL(response.url()).pathname === '/flows' && response.request().method() === 'POST',
  )
  await page.locator('#red-ui-header-button-deploy').click()
  expect((await deployed).status()).toBe(200)
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

/** A request as the application's own scripts make it. */
function fromPage(page: Page, method: string, path: string, json?: unknown): Promise<Reply> {
  return page.evaluate(
    async ({ method, path, body }) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json' }
      const answer = await fetch(path, body === undefined ? { method, headers } : { method, headers, body })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
    },
    { method, path, body: json === undefined ? undefined : JSON.stringify(json) },
  )
}

test('Node-RED: sign in, import, deploy, hear a message over its WebSocket, sign out', async ({
  page,
  context,
  gateway,
}) => {
  const refused = refusals(page)
  const socket = await openEditor(page, gateway, 'flows')
  const heard: string[] = []
  socket.on('framereceived', ({ payload }) => heard.push(payload.toString()))

  await importFlow(page, 'Deployed')
  await deploy(page)
  await page.locator('.red-ui-flow-node-button-button').first().click()
  await expect(page.locator('.red-ui-debug-msg-payload')).toContainText('hello through the gateway')
  expect(heard.some((frame) => frame.includes('"topic":"debug"') && frame.includes('hello through'))).toBe(true)

  // What a flow serves knows who asks, and never sees the SSO cookie.
  const me = await fromPage(page, 'POST', '/me', { list: [1, 'zwei', { drei: '✓' }] })
  expect(me).toEqual({ status: 200, body: { user: 'alice', sent: { list: [1, 'zwei', { drei: '✓' }] } } })
  const [tab, ...nodes] = flowLabelled('Deployed')
  const renamed = { id: tab?.id, label: 'Renamed', nodes }
  expect(await fromPage(page, 'PUT', `/flow/${tab?.id}`, renamed)).toEqual({ status: 200, body: { id: tab?.id } })
  expect(refused).toEqual([])

  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(Date.now())))
  const other = await context.newPage()
  await other.goto(`${gateway.site('flows')}/.gatehouse/logout`)
  await other.locator('form[method="post"] button[type="submit"]').first().click()
  await expect(other).toHaveURL(new RegExp('/logged-out'))
  const ended = Date.now()
  expect((await closed) - ended).toBeLessThan(1_000)

  expect((await fromPage(page, 'GET', '/flows')).status).toBe(401)
  expect((await fromPage(page, 'POST', '/flows', [])).status).toBe(401)
  await page.reload()
  await expect(page).toHaveURL(new RegExp(`^${gateway.login}/login/staff\\?`))
})

test('Node-RED: a round through the editor meets no refusal', async ({ page, gateway }) => {
  const refused = refusals(page)
  await openEditor(page, gateway, 'flows')
  await importFlow(page, 'Looked at')

  // The code editor with its worker scripts, its type definitions, and help texts.
  await page.locator('.red-ui-flow-node').filter({ hasText: 'who' }).first().dblclick()
  await expect(page.locator('.monaco-editor:visible').first()).toBeVisible()
  await page.locator('#node-dialog-ok').click()
  // Until its drawer has slid out the editor takes no other keys.
  await expect(page.locator('.red-ui-tray')).toHaveCount(0)

  // The library: save into folders with a space and an umlaut, list them, read back.
  expect(
    (await fromPage(page, 'POST', '/library/local/flows/two%20words/grün/a.json', flowLabelled('Kept'))).status,
  ).toBe(204)
  expect((await fromPage(page, 'GET', '/library/local/flows/two words/grün')).body).toEqual([{ fn: 'a.json' }])
  await page.locator('#red-ui-workspace-chart').press('Control+i')
  await page.getByRole('link', { name: 'Local' }).click()
  await page.getByText('two words').dblclick()
  await expect(page.getByText('grün')).toBeVisible()
  await page.getByRole('link', { name: 'Examples' }).click()
  await page.keyboard.press('Escape')

  for (const path of ['/settings/user', '/nodes', '/icons', '/context/global', '/locales/nodes?lng=de']) {
    expect((await fromPage(page, 'GET', path)).status, path).toBe(200)
  }
  expect(refused).toEqual([])
})

test('Node-RED: an encoded slash in a context key needs `encodedPaths`, and works with it', async ({
  page,
  context,
  gateway,
}) => {
  await openEditor(page, gateway, 'flows')
  expect((await fromPage(page, 'GET', '/context/global/a%2Fb')).status).toBe(400)
  const other = await context.newPage()
  await other.goto(`${gateway.site('slashes')}/`)
  await expect(other.locator('#red-ui-palette').getByText('inject', { exact: true })).toBeVisible()
  expect((await fromPage(other, 'GET', '/context/global/a%2Fb')).status).toBe(200)
})

test('Node-RED: nobody else gets anything of it', async ({ gateway }) => {
  const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
  for (const path of ['/flows', '/red/red.min.js', '/settings', '/comms']) {
    const answer = await new Client().call(`${gateway.site('flows')}${path}`, { headers })
    expect(answer.status, path).toBe(401)
  }
})
