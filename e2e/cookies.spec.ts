import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext } from '@playwright/test'
import { inChromium } from './chromium.ts'
import { startEchoApp, type EchoApp } from './echo-app.ts'
import { expect, signIn, test } from './fixtures.ts'
import { agentYaml, gatehouseYaml, hashOf, startOwnRig, usersYaml, type OwnRig } from './own-rig.ts'

const DOMAINS = '[partner.localhost, acme.localhost]'

const PROFILES = {
  kept: 'cookie: { preset: openam, persistent: true }',
  own: 'cookie: { preset: oracle-11g }',
  one: `cookie: { preset: oracle-10g, domain: ${DOMAINS} }`,
  two: `cookie: { preset: oracle-10g, domain: ${DOMAINS} }`,
} as const

interface Scene {
  readonly rig: OwnRig
  readonly app: EchoApp
  at(name: keyof typeof PROFILES | 'login', path?: string): string
}

async function startScene(): Promise<Scene> {
  const app = await startEchoApp()
  const local = (text: string): string => text.replace('.acme.test', '.acme.localhost')
  const agents = Object.entries(PROFILES).map(([name, cookie]) => [
    `agent-config/${name}.yaml`,
    local(agentYaml(name, app.url, `ssoOnly: true\n${cookie}\n`)),
  ])
  const gatehouse = local(gatehouseYaml()).replace("PORT}' }\nstore", "PORT}', cookiePersistent: true }\nstore")
  const files = {
    'agent-config/gatehouse.yaml': gatehouse,
    ...(Object.fromEntries(agents) as Record<string, string>),
    'realms/realm.yaml': '',
    'realms/staff/realm.yaml': '',
    'realms/staff/users.yaml': usersYaml([{ username: 'erin', hash: await hashOf('erin-demo-password') }]),
  }
  const rig = await startOwnRig({ files })
  return { rig, app, at: (name, path = '/') => `http://${name}.acme.localhost:${rig.port}${path}` }
}

let scene: Scene

test.beforeAll(async () => {
  scene = await startScene()
})

test.afterAll(async () => {
  await scene.rig.stop()
  await scene.app.close()
})

async function cookiesOf(context: BrowserContext, name: string) {
  return (await context.cookies()).filter((cookie) => cookie.name.startsWith(name))
}

test('a persistent cookie is there after the browser was closed, and until the session has to end', async ({
  playwright,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-browser-'))
  const openBrowser = () => playwright.chromium.launchPersistentContext(folder, inChromium.use.launchOptions)
  try {
    const first = await openBrowser()
    const page = await first.newPage()
    await page.goto(scene.at('kept'))
    await signIn(page, 'erin')
    await expect(page).toHaveURL(scene.at('kept'))
    await page.goto(scene.at('own'))
    const [kept] = await cookiesOf(first, 'iPlanetDirectoryPro')
    const end = Date.now() / 1_000 + 120 * 60
    expect(kept?.expires).toBeGreaterThan(end - 120)
    expect(kept?.expires).toBeLessThanOrEqual(end)
    expect(await cookiesOf(first, `OAMAuthnCookie_own.acme.localhost_${scene.rig.port}`)).toMatchObject([
      { expires: -1 },
    ])
    await first.close()

    const second = await openBrowser()
    expect(await cookiesOf(second, 'iPlanetDirectoryPro')).toEqual([kept])
    expect(await cookiesOf(second, 'OAMAuthnCookie')).toEqual([])
    const again = await second.newPage()
    const visited: string[] = []
    again.on('request', (request) => visited.push(new URL(request.url()).host))
    await again.goto(scene.at('kept', '/again'))
    await expect(again).toHaveURL(scene.at('kept', '/again'))
    expect(visited.every((host) => host.startsWith('kept.'))).toBe(true)

    await again.goto(scene.at('kept', '/.gatehouse/logout'))
    await again.locator('form[action="/logout"] button').first().click()
    await expect(again.getByRole('heading', { level: 1 })).toContainText('signed out')
    await again.goto(scene.at('kept'))
    await expect(again.locator('input[type="password"]')).toBeVisible()
    await second.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the cookie of a domain is one on two hosts, of no use elsewhere, and gone after signing out on either', async ({
  page,
  context,
}) => {
  await page.goto(scene.at('one'))
  await signIn(page, 'erin')
  await expect(page).toHaveURL(scene.at('one'))
  const [shared, ...more] = await cookiesOf(context, 'ObSSOCookie')
  expect(more).toEqual([])
  expect(shared).toMatchObject({ domain: '.acme.localhost', path: '/', httpOnly: true, sameSite: 'Lax', expires: -1 })

  const visited: string[] = []
  page.on('request', (request) => visited.push(new URL(request.url()).host))
  await page.goto(scene.at('two'))
  expect(visited.some((host) => host.startsWith('login.'))).toBe(false)
  await page.goto(scene.at('own'))
  expect(visited.some((host) => host.startsWith('login.'))).toBe(true)
  expect(scene.app.seen.some(({ headers }) => /ObSSO|OAMAuthn|iPlanet|gatehouse/.test(headers.cookie ?? ''))).toBe(
    false,
  )

  await page.goto(scene.at('two'))
  await page.evaluate(async () => {
    await fetch('/.gatehouse/logout', { method: 'POST' })
  })
  expect(await cookiesOf(context, 'ObSSOCookie')).toEqual([])
  await page.goto(scene.at('one'))
  await expect(page.locator('input[type="password"]')).toBeVisible()
})
