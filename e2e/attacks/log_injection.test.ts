import assert from 'node:assert/strict'
import { secretsNowhere } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'
import { runVectors } from './suite.ts'

interface LogVector {
  readonly id: string
  readonly value?: string
}

/** Each line one JSON object, in characters that no terminal or viewer acts on. */
function cleanLog(rig: Rig, from: number): readonly Record<string, unknown>[] {
  rig.tally.checks++
  const lines = rig
    .log()
    .slice(from)
    .split('\n')
    .filter((line) => line.startsWith('{') || line.includes('login ok'))
  return lines.map((line) => {
    assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/)
    return JSON.parse(line) as Record<string, unknown>
  })
}

async function everywhere(rig: Rig, value: string): Promise<void> {
  const client = rig.browser()
  const encoded = encodeURIComponent(value)
  rig.tally.sent++
  await client.submitLogin(await client.call(`${ORIGINS.login}/login/employees`), value, 'wrong')
  for (const url of [
    `${ORIGINS.login}/login/employees?goto=${encoded}`,
    `${ORIGINS.login}/${encoded}`,
    `${ORIGINS.app}/${encoded}`,
    `${ORIGINS.app}/.gatehouse/callback?code=${encoded}&state=${encoded}`,
  ])
    await client.call(url)
  const bytes = Buffer.from(value, 'utf8')
    .toString('latin1')
    .replace(/[\r\n]/g, ' ')
  await rig.ask(
    `GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nUser-Agent: ${bytes}\r\nX-Request-Id: ${bytes}\r\n\r\n`,
  )
  await rig.ask(`GET /public/x HTTP/1.1\r\nHost: ${bytes}\r\n\r\n`)
}

runVectors<LogVector>('log_injection', {
  async every(rig, { value = '' }) {
    const from = rig.log().length
    await everywhere(rig, value)
    await rig.logged()
    const records = cleanLog(rig, from)
    assert.ok(records.length > 4, 'the attacks were logged')
    for (const record of records) {
      assert.notEqual(record['user'], 'admin', 'no field of its own')
      assert.ok(typeof record['log'] === 'string')
    }
    assert.equal(rig.canaryDialled(), 0)
  },
  only: {
    async secrets(rig) {
      const bob = await rig.signIn('bob')
      const client = rig.browser()
      const start = await client.call(`${ORIGINS.app}/me`)
      const form = await client.call(start.location ?? '')
      const authId = /name="authId"[^>]*value="([^"]*)"/.exec(form.body)?.[1] ?? 'none'
      const wrong = await client.submitLogin(form, 'bob', 'wrong-canary-password-913')
      const back = await client.submitLogin(wrong, 'bob', 'bob-canary-51c0de-password')
      const code = new URL(back.location ?? '').searchParams.get('code') ?? 'none'
      await client.call(back.location ?? '')
      await rig.ask(
        `GET /me HTTP/1.1\r\nHost: app.example.com\r\nAuthorization: Bearer authorization-canary-771\r\n\r\n`,
      )
      for (const secret of [
        'wrong-canary-password-913',
        'authorization-canary-771',
        code,
        authId,
        client.cookie('app.example.com', '__Host-gatehouse-handshake')?.slice(0, 43) ?? 'none',
      ])
        rig.canaries.add(secret)
      await rig.ask(`GET /me HTTP/1.1\r\nHost: app.example.com\r\n${bob.cookie('app')}\r\n`)
      await rig.logged()
      secretsNowhere(rig, 'every secret of a login', [rig.log()])
    },
  },
})
