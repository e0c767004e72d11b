import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from '@playwright/test'
import { Secret, TOTP } from 'otpauth'
import { early } from './authenticator-app.ts'
import { expect, signIn, test as base } from './fixtures.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'
import { viewer } from './page-checks.ts'

/** One for each test, since a code passes once; and alice, of whom no code is asked. */
const PEOPLE = ['alice', ...Array.from({ length: 10 }, (_, i) => `bob-${i}`)]

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

interface Received {
  readonly url: string
  readonly type: string
  readonly body: Buffer
}

/** A bank's page with two forms, and everything that was posted to it. */
interface Bank {
  readonly rig: OwnRig
  readonly site: string
  readonly received: Received[]
  close(): Promise<void>
}

const PAGE = `<!doctype html><title>Bank</title><h1>Bank</h1>
<form method="post" action="/transfer?from=1#top"><input name="to"><input name="amount"><button>Transfer</button></form>
<form method="post" action="/upload" enctype="multipart/form-data"><input name="note"><input type="file" name="slip"><button>Upload</button></form>`

const REALM = {
  look: { title: 'Acme Staff', color: '#0f766e' },
  authentication: {
    modules: { password: { type: 'password', authLevel: 1 }, totp: { type: 'totp', authLevel: 2 } },
    chains: {
      default: [{ module: 'password', criteria: 'REQUIRED' }],
      strong: [
        { module: 'password', criteria: 'REQUISITE' },
        { module: 'totp', criteria: 'REQUIRED' },
      ],
    },
    defaultChain: 'default',
  },
}

const anybody = { type: 'AuthenticatedUsers' }
const POLICIES = {
  policies: [
    {
      name: 'all',
      resources: ['*://*:*/*', '*://*:*/*?*'],
      actions: { GET: 'allow', POST: 'allow' },
      subject: anybody,
    },
    {
      name: 'transfer',
      resources: ['*://*:*/transfer', '*://*:*/transfer?*'],
      actions: { GET: 'allow', POST: 'allow' },
      subject: anybody,
      condition: { type: 'AuthLevel', authLevel: 2 },
    },
    {
      name: 'approvals',
      resources: ['*://*:*/approve/*', '*://*:*/approve/*?*'],
      actions: { GET: 'allow', POST: 'allow' },
      subject: anybody,
      condition: { type: 'Transaction', authenticationStrategy: 'AuthLevel', strategySpecifier: '2' },
    },
  ],
}

async function openBank(): Promise<Bank> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const { method, url = '', headers } = request
        if (method === 'POST') received.push({ url, type: headers['content-type'] ?? '', body: Buffer.concat(chunks) })
        response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          .end(method === 'POST' ? '<h1>Received</h1>' : PAGE)
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const users = await Promise.all(
    PEOPLE.map(async (username) => ({ username, hash: await hashOf(`${username}-demo-password`) })),
  )
  const withTotp = JSON.parse(usersYaml(users)) as { users: Record<string, unknown>[] }
  for (const user of withTotp.users) user['totp'] = SECRET
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml().replace('login.acme.test', 'login.acme.localhost'),
      'agent-config/bank.yaml': agentYaml('bank', `http://127.0.0.1:${port}`, 'title: Acme Bank\n').replace(
        'bank.acme.test',
        'bank.acme.localhost',
      ),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify(REALM),
      'realms/staff/policies.yaml': JSON.stringify(POLICIES),
      'realms/staff/users.yaml': JSON.stringify(withTotp),
    },
  })
  return {
    rig,
    received,
    site: `http://bank.acme.localhost:${rig.port}`,
    async close() {
      await rig.stop()
      server.closeAllConnections()
      server.close()
    },
  }
}

/** One bank for all tests; each has a person of its own, and nothing is posted yet when it begins. */
const test = base.extend<{ bank: Bank; bob: string }>({
  bank: async ({}, use) => {
    opened.received.length = 0
    await use(opened)
  },
  bob: async ({}, use) => use(names.shift() ?? ''),
})
let opened: Bank
const names = PEOPLE.slice(1)

// Not a fixture of the worker: it would be a worker of its own, with another browser.
test.beforeAll(async () => {
  opened = await openBank()
})
test.afterAll(() => opened.close())

/** What is left in a browser after its session has ended. */
async function expire(context: BrowserContext): Promise<void> {
  await context.clearCookies({ name: /SSOToken/i })
}

/** `steps`: of half a minute, from now. */
async function enterCode(page: Page, steps = 0): Promise<void> {
  const digits = new TOTP({ secret: Secret.fromBase32(SECRET) }).generate({ timestamp: Date.now() + steps * 30_000 })
  await page.locator('input[autocomplete="one-time-code"]').fill(digits)
  await page.locator('main form button[type="submit"]').first().click()
}

async function fillTransfer(page: Page): Promise<void> {
  await page.locator('input[name="to"]').fill('Zoë & söhne')
  await page.locator('input[name="amount"]').fill('1,000')
  await page.getByRole('button', { name: 'Transfer' }).click()
}

const TRANSFER = 'to=Zo%C3%AB+%26+s%C3%B6hne&amount=1%2C000'

test('a form that meets a step-up arrives after the code and one click as it was, at its own address', async ({
  page,
  bank,
  bob,
}) => {
  const { look } = viewer(page)
  await page.goto(`${bank.site}/`)
  await signIn(page, bob)
  await fillTransfer(page)
  await enterCode(page)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Continue sending your form to Acme Bank')
  await expect(page.locator('main')).toContainText('/transfer?from=1')
  await expect(page.locator('main')).toContainText('to, amount')
  expect(bank.received).toEqual([])
  await look('form-kept')
  await page.getByRole('button', { name: 'Send the form' }).click()
  await expect(page.getByRole('heading')).toHaveText('Received')
  expect(new URL(page.url()).pathname).toBe('/transfer')
  expect(bank.received.map(({ url, type, body }) => [url, type, body.toString()])).toEqual([
    ['/transfer?from=1', 'application/x-www-form-urlencoded', TRANSFER],
  ])

  // Reloading posts the click again: the form went once.
  await page.reload()
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Your form was not sent')
  expect(bank.received).toHaveLength(1)
  await look('form-not-kept')
})

test('a form with a file that meets an expired session arrives byte for byte, without script, too', async ({
  browser,
  bank,
  bob,
}) => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256))
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    await page.goto(`${bank.site}/`)
    await signIn(page, bob)
    await page.locator('input[name="note"]').fill('März')
    await page.locator('input[type="file"]').setInputFiles({ name: 'beleg.bin', mimeType: 'image/png', buffer: bytes })
    await expire(context)
    await page.getByRole('button', { name: 'Upload' }).click()
    await signIn(page, bob)
    await expect(page.locator('main')).toContainText('beleg.bin')
    await page.locator('main form button').click()
    await expect(page.getByRole('heading')).toHaveText('Received')
    const { type, body } = bank.received.at(-1)!
    expect(type).toMatch(/^multipart\/form-data; boundary=/)
    const start = body.indexOf('\r\n\r\n', body.indexOf('filename="beleg.bin"')) + 4
    expect(body.subarray(start, start + bytes.length).equals(bytes)).toBe(true)
    expect(body.includes('März')).toBe(true)
    await context.close()
  }
  expect(bank.received).toHaveLength(2)
})

test('somebody else who signs in is not offered the form', async ({ context, page, bank, bob }) => {
  await page.goto(`${bank.site}/`)
  await signIn(page, bob)
  await page.locator('input[name="note"]').fill('secret of bob')
  await expire(context)
  await page.getByRole('button', { name: 'Upload' }).click()
  await signIn(page, 'alice')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Your form was not sent')
  await expect(page.locator('body')).not.toContainText('note')
  await page.getByRole('link', { name: 'Back to the page' }).click()
  await expect(page.getByRole('heading')).toHaveText('Bank')
  expect(bank.received).toEqual([])
})

test('a form that another site posts is never kept', async ({ context, page, bank, bob }) => {
  await page.goto(`${bank.site}/`)
  await signIn(page, bob)
  const evil = await context.newPage()
  await evil.route('http://evil.localhost/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${bank.site}/transfer"><input name="to" value="mallory"><button>Win</button></form>`,
    }),
  )
  for (const ended of [false, true]) {
    if (ended) await expire(context)
    await evil.goto('http://evil.localhost/')
    await evil.getByRole('button', { name: 'Win' }).click()
    // A lax cookie does not come along: with a session at the login host that leads to the site's start, without one to the login.
    if (ended) await signIn(evil, bob)
    await expect(evil).toHaveURL(`${bank.site}/`)
  }
  expect(bank.received).toEqual([])
})

test('a fragment survives a login with a wrong password, and a step-up', async ({ page, bank, bob }) => {
  await page.goto(`${bank.site}/list?page=2#row/7?x=1`)
  await signIn(page, bob, 'wrong')
  await expect(page.getByRole('alert')).toBeVisible()
  await signIn(page, bob)
  await expect(page).toHaveURL(`${bank.site}/list?page=2#row/7?x=1`)
  await page.goto(`${bank.site}/transfer#amount`)
  await enterCode(page)
  await expect(page).toHaveURL(`${bank.site}/transfer#amount`)
})

test('tabs that expired together all go on after one login, each where it was', async ({
  context,
  page,
  bank,
  bob,
}) => {
  await page.goto(`${bank.site}/one#a`)
  await signIn(page, bob)
  const second = await context.newPage()
  const third = await context.newPage()
  await second.goto(`${bank.site}/two#b`)
  await third.goto(`${bank.site}/`)
  await third.locator('input[name="note"]').fill('kept')
  await expire(context)
  await page.reload()
  await second.reload()
  await third.getByRole('button', { name: 'Upload' }).click()
  // Its script has to be there: who comes later has not heard of the login, and looks when the tab is opened.
  await expect(third.getByRole('heading', { level: 1 })).toContainText('Sign in')
  await third.waitForLoadState()
  await page.bringToFront()
  await signIn(page, bob)
  await expect(page).toHaveURL(`${bank.site}/one#a`)
  await expect(second).toHaveURL(`${bank.site}/two#b`)
  await expect(third.getByRole('heading', { level: 1 })).toContainText('Continue sending your form')
  await third.getByRole('button', { name: 'Send the form' }).click()
  await expect(third.getByRole('heading')).toHaveText('Received')
  expect(bank.received).toHaveLength(1)
})

test('approvals in two tabs: a wrong code, a cancel, and each request passes once with a code of its own', async ({
  context,
  page,
  bank,
  bob,
}) => {
  const { look } = viewer(page)
  await page.goto(`${bank.site}/`)
  await signIn(page, bob)
  const [second, third] = [await context.newPage(), await context.newPage()]
  await page.goto(`${bank.site}/approve/one?x=1`)
  await second.goto(`${bank.site}/approve/two`)
  await third.goto(`${bank.site}/approve/three`)
  await expect(page.locator('main')).toContainText('approval of one request: GET /approve/one')
  await expect(second.locator('main')).toContainText('GET /approve/two')
  await look('approval')
  await page.locator('input[autocomplete="one-time-code"]').fill('000000')
  await page.locator('main form button[type="submit"]').first().click()
  await expect(page.getByRole('alert')).toContainText('not valid')
  await expect(page.locator('main')).toContainText('GET /approve/one')
  await early(page)
  await enterCode(page, -1)
  await expect(page).toHaveURL(`${bank.site}/approve/one?x=1`)
  await expect(page.getByRole('heading')).toHaveText('Bank')

  // The other tabs wait for approvals of their own: the session got another token meanwhile, and they go on with it.
  await enterCode(second)
  await expect(second).toHaveURL(`${bank.site}/approve/two`)
  await third.getByRole('link', { name: 'Cancel' }).click()
  await expect(third).toHaveURL(new RegExp(`^http://login.acme.localhost:${bank.rig.port}/$`))
  for (const path of ['/approve/one?x=1', '/approve/two', '/approve/three']) {
    await page.goto(bank.site + path)
    await expect(page.locator('main')).toContainText(`GET ${path.replace(/\?.*/, '')}`)
  }
  await page.goto(`${bank.site}/`)
  await expect(page.getByRole('heading')).toHaveText('Bank')
})

test('one request in two tabs: an approval of the one is none of the other', async ({ context, page, bank, bob }) => {
  await page.goto(`${bank.site}/`)
  await signIn(page, bob)
  const second = await context.newPage()
  for (const tab of [page, second]) await tab.goto(`${bank.site}/approve/same`)
  await early(page)
  await enterCode(page, -1)
  await expect(page).toHaveURL(`${bank.site}/approve/same`)
  await expect(page.getByRole('heading')).toHaveText('Bank')
  await enterCode(second, -1)
  await expect(second.getByRole('alert')).toContainText('used already')
  await enterCode(second)
  await expect(second).toHaveURL(`${bank.site}/approve/same`)
  await expect(second.getByRole('heading')).toHaveText('Bank')
})
