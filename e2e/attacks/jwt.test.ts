import assert from 'node:assert/strict'
import { headersExact, isDead, noServerError, upstreamSilent } from './oracles.ts'
import { WEB_SOCKET } from './requests.ts'
import { TOKEN_COOKIE } from './rig.ts'
import { runVectors, type Vector } from './suite.ts'

runVectors<Vector>('jwt', {
  only: {
    async 'typ-confuse'(rig) {
      // The one JWT that we sign is for applications. A genuine one of alice, as an application could keep it, is nothing here.
      const alice = await rig.signIn('alice')
      const bob = await rig.signIn('bob')
      const start = rig.mark()
      assert.equal((await alice.client.call('https://app.example.com/me')).status, 200)
      const assertion =
        rig.since(start)[0]?.headers.find(([name]) => name.toLowerCase() === 'x-gatehouse-assertion')?.[1] ?? ''
      assert.match(assertion, /^[\w-]+\.[\w-]+\.[\w-]+$/)
      for (const site of ['app', 'login'] as const)
        for (const value of [assertion, `${assertion.slice(-43)}*AgRV*`, assertion.split('.')[2]?.slice(0, 43) ?? ''])
          await isDead(rig, `Cookie: ${TOKEN_COOKIE}=${value}\r\n`, 'an assertion as a token', site)
      const bearing = [
        `Authorization: Bearer ${assertion}\r\n`,
        `X-Gatehouse-Assertion: ${assertion}\r\n`,
        `x_gatehouse_assertion: ${assertion}\r\nDPoP: ${assertion}\r\n`,
      ]
      for (const lines of bearing)
        for (const upgrade of ['', WEB_SOCKET]) {
          const mark = rig.mark()
          const path = upgrade === '' ? '/me' : '/ws'
          const request = (cookie: string): string =>
            `GET ${path} HTTP/1.1\r\nHost: app.example.com\r\n${cookie}${upgrade}${lines}\r\n`
          assert.equal((await rig.ask(request('')))?.status, 401)
          upstreamSilent(rig, mark, lines)
          // With a session of his own bob stays bob: alice's proof does not reach the application under our name.
          noServerError(rig, await rig.ask(request(bob.cookie('app'))), lines)
          const [seen] = rig.since(mark)
          assert.ok(seen)
          headersExact(rig, seen, 'bob', lines)
          assert.ok(!seen.headers.some(([name, value]) => /assertion/i.test(name) && value === assertion), lines)
        }
      const callback = `https://app.example.com/.gatehouse/callback?code=${assertion}&state=${'A'.repeat(43)}.0`
      const page = await rig.browser().call(callback)
      noServerError(rig, page, 'an assertion as a code')
      assert.notEqual(page.status, 303)
    },
  },
})
