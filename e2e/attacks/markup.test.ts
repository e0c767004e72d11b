import assert from 'node:assert/strict'
import { leadsNowhereElse, noServerError } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import { runVectors } from './suite.ts'
import { headerOf, type WireAnswer } from './wire.ts'

interface MarkupVector {
  readonly id: string
  readonly value: string
}

/** The tags of a page, without what stands in quotes. */
function skeleton(html: string): string {
  return (html.match(/<[a-z!/][^>]*>/gi) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""')).join('')
}

runVectors<MarkupVector>('markup', {
  async every(rig, { id, value }) {
    const pages = async (text: string): Promise<readonly WireAnswer[]> => {
      const encoded = encodeURIComponent(text)
      const client = rig.browser()
      const form = await client.call(`${ORIGINS.login}/login/employees`)
      const raw = Buffer.from(text, 'utf8')
        .toString('latin1')
        .replace(/[\s\0]/g, '')
      const header = (name: string): Promise<WireAnswer | undefined> =>
        rig.ask(`GET /%2e/x HTTP/1.1\r\nHost: app.example.com\r\nAccept: text/html\r\n${name}: ${raw}\r\n\r\n`)
      const shown = [
        await client.submitLogin(form, text, 'wrong'),
        await client.call(
          `${ORIGINS.login}/login/employees?goto=${encoded}&agent=${encoded}&state=${encoded}&locale=${encoded}&authIndexType=level&authIndexValue=${encoded}`,
        ),
        await client.call(`${ORIGINS.login}/login/${encoded}`),
        await client.call(`${ORIGINS.login}/logged-out?realm=${encoded}&agent=${encoded}&goto=${encoded}`),
        await client.call(`${ORIGINS.login}/${encoded}`),
        await client.call(`${ORIGINS.app}/.gatehouse/callback?code=${encoded}&state=${encoded}`),
        await client.call(`${ORIGINS.app}/.gatehouse/${encoded}`),
        await header('Accept-Language'),
        await header('Referer'),
        await header('User-Agent'),
      ]
      return shown.map((page) => page ?? { status: 0, headers: [], body: '' })
    }
    const harmless = await pages('plain')
    for (const [at, page] of (await pages(value)).entries()) {
      const about = `${id} at ${at}`
      noServerError(rig, page, about)
      leadsNowhereElse(rig, page, `${ORIGINS.login}/`, about)
      if (page.status === harmless[at]?.status) assert.equal(skeleton(page.body), skeleton(harmless[at].body), about)
      assert.doesNotMatch(
        page.body,
        /<script(?![^>]*\bsrc="\/assets\/)|<img src=x|<svg onload|"onmouseover="|href="javascript:/,
        about,
      )
      if (page.body.includes('<html'))
        assert.match(headerOf(page, 'content-security-policy') ?? '', /^default-src 'none'/, about)
    }
  },
})
