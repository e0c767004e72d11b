import { request as httpRequest } from 'node:http'
import { expect, signIn, test } from './fixtures.ts'

test('a wrong password says so at the form and keeps the name', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice', 'not-her-password')
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.locator('input[autocomplete~="username"]')).toHaveValue('alice')
  await expect(page.locator('input[type="password"]')).toHaveValue('')
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
})

test('an unknown user and a wrong password look alike', async ({ page, rig }) => {
  const texts: string[] = []
  for (const name of ['alice', 'mallory']) {
    await page.goto(`${rig.sites.app}/`)
    await signIn(page, name, 'not-the-password')
    await expect(page.getByRole('alert')).toBeVisible()
    texts.push((await page.locator('main').innerText()).replaceAll(name, 'NAME'))
  }
  expect(texts[0]).toBe(texts[1])
})

test('a forbidden path says who is signed in, why, and the way out', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/admin/`)
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/admin/`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await expect(page.locator('body')).not.toContainText('X-Remote-User')
  const response = await page.goto(`${rig.sites.app}/admin/`)
  expect(response?.status()).toBe(403)
  await expect(page.getByRole('link').first()).toBeVisible()
})

test('a login that nothing in the realm can bring about refuses with a reason, not a loop', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'carol')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  const response = await page.goto(`${rig.sites.login}/login/employees?authIndexType=level&authIndexValue=9`)
  expect(response?.status()).toBe(403)
})

test('a foreign goto is dropped: the form is shown, and login ends at the signed-in page', async ({ page, rig }) => {
  await page.goto(`${rig.sites.login}/login/employees?goto=${encodeURIComponent('https://evil.example/')}`)
  await expect(page.locator('body')).not.toContainText('evil.example')
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.login}/`)
  await expect(page.locator('body')).toContainText('alice')
  await expect.poll(() => rig.log()).toContain('GotoRefused')
})

test('a host nobody registered is 421, and nothing is built from its name', async ({ rig }) => {
  const { status, body, location } = await new Promise<{ status: number; body: string; location: string | undefined }>(
    (resolve, reject) => {
      httpRequest(
        { host: '127.0.0.1', port: rig.port, headers: { host: 'evil.example', accept: 'text/html' } },
        (answer) => {
          let text = ''
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, body: text, location: answer.headers.location }),
          )
        },
      )
        .on('error', reject)
        .end()
    },
  )
  expect(status).toBe(421)
  expect(location).toBeUndefined()
  expect(body).not.toContain('evil.example')
})

test('scripts get 401 with the login URL, not a redirect', async ({ page, rig }) => {
  await page.goto(`${rig.sites.app}/public/`)
  const answer = await page.evaluate(async () => {
    const response = await fetch('/api/me', { redirect: 'manual' })
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: (await response.json()) as object,
    }
  })
  expect(answer.status).toBe(401)
  expect(answer.challenge).toContain(rig.sites.login)
  expect(JSON.stringify(answer.body)).toContain('/login/employees')
})

test('a customer is nobody at an application of the employees', async ({ page, rig }) => {
  await page.goto(`${rig.sites.club}/`)
  await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/login/customers\\?`))
  await signIn(page, 'dave')
  await expect(page).toHaveURL(`${rig.sites.club}/`)
  await page.goto(`${rig.sites.app}/`)
  await expect(page).toHaveURL(new RegExp(`^${rig.sites.login}/login/employees\\?`))
})

test('a planted token is not taken over by a login', async ({ page, context, rig }) => {
  const planted = `${'A'.repeat(43)}*AAAA*`
  await context.addCookies([{ name: 'SSOTokenID', value: planted, url: rig.sites.login, httpOnly: true }])
  await page.goto(`${rig.sites.app}/`)
  await signIn(page, 'alice')
  await expect(page).toHaveURL(`${rig.sites.app}/`)
  const cookies = await context.cookies()
  const tokens = cookies.filter((cookie) => cookie.name === 'SSOTokenID')
  expect(tokens.length).toBe(2)
  for (const token of tokens) {
    expect(token.value).not.toBe(planted)
    expect(token).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' })
  }
  expect(new Set(tokens.map((token) => token.value)).size).toBe(2)
})
