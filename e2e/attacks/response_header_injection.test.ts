import assert from 'node:assert/strict'
import { leadsNowhereElse, noServerError } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import type { SignedIn } from './rig.ts'
import { runVectors } from './suite.ts'
import type { WireAnswer } from './wire.ts'

interface InjectionVector {
  readonly id: string
  readonly value: string
}

let bob: SignedIn

function nothingAdded({ headers, body }: WireAnswer, about: string): void {
  for (const [name, value] of headers) {
    assert.doesNotMatch(name, /^(?:x|sid)$/i, about)
    assert.doesNotMatch(value, /[\0-\x08\n-\x1f\x7f]/, about)
    if (name.toLowerCase() === 'set-cookie') assert.doesNotMatch(value, /sid=evil/, about)
  }
  assert.doesNotMatch(body, /<script>alert/, about)
}

runVectors<InjectionVector>('response_header_injection', {
  async setUp(rig) {
    bob = await rig.signIn('bob')
  },
  async every(rig, { id, value }) {
    const printable = value.replace(/[^\x21-\x7e]/g, (char) => encodeURIComponent(char))
    for (const text of [printable, encodeURIComponent(value), encodeURIComponent(printable)]) {
      const query = ['goto', 'state', 'realm', 'agent', 'locale', 'login_hint', 'error_description'].map(
        (name) => `${name}=${text}`,
      )
      const requests = [
        ...['/login/employees', '/logout', '/logged-out', '/'].flatMap((path) =>
          query.map((pair) => ['gw', `${path}?${pair}`]),
        ),
        ['gw', `/login${text.startsWith('/') ? text : `/${text}`}`],
        ['app', text.startsWith('/') ? text : `/${text}`],
        ['app', `/admin/x?a=${text}`],
        ['app', `/.gatehouse/callback?code=${text}&state=${text}`],
        ['www', `/x?a=${text}`],
      ]
      for (const [host = '', target = ''] of requests)
        for (const cookie of ['', host === 'app' || host === 'gw' ? bob.cookie(host === 'gw' ? 'login' : 'app') : '']) {
          const about = `${id} ${host} ${target}`
          const answer = await rig.ask(
            `GET ${target} HTTP/1.1\r\nHost: ${host}.example.com\r\nAccept: text/html\r\n${cookie}\r\n`,
          )
          assert.ok(answer, about)
          noServerError(rig, answer, about)
          leadsNowhereElse(rig, answer, ORIGINS.login, about)
          nothingAdded(answer, about)
        }
    }
    for (const name of ['X-Forwarded-Host', 'Referer', 'Accept-Language']) {
      const answer = await rig.ask(
        `POST /me HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${name}: https://app.example.com${printable}\r\nContent-Length: 0\r\n\r\n`,
      )
      assert.ok(answer)
      noServerError(rig, answer, name)
      nothingAdded(answer, name)
      leadsNowhereElse(rig, answer, ORIGINS.app, name)
    }
  },
})
