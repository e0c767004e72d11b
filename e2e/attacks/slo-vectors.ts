import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Signer } from '../../src/federation/saml/partner.fixture.ts'
import { signElement } from '../../src/federation/saml/sign.ts'
import {
  carried,
  enveloped,
  writeLogoutRequest,
  writeLogoutResponse,
  type Named,
} from '../../src/federation/saml-logout/messages.ts'
import type { Browser, Page } from './browser.ts'
import { leadsNowhereElse, noServerError } from './oracles.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'
import type { Runner, Vector } from './suite.ts'

/* Single logout: requests and answers as attackers send them. Partners are told by addresses. */

export const SLO = `${ORIGINS.login}/saml2/employees/slo`
export const sloOf = (name: string): string => `https://${name}.example/slo`

export interface LogoutScene {
  readonly ids: Readonly<Record<'plain' | 'theirs', string>>
  readonly mine: Signer
  readonly theirs: Signer
  /** Somebody signed in at a partner, and the assertion that it got. */
  readonly signedIn: (
    rig: Rig,
    name: 'plain' | 'theirs',
    browser?: Browser,
  ) => Promise<{ browser: Browser; xml: string }>
}

interface Asked {
  readonly name?: 'plain' | 'theirs'
  readonly id?: string
  readonly destination?: string
  readonly now?: number
  readonly relayState?: string
  readonly change?: (xml: string) => string
  readonly signer?: Signer
}

let ids = 0

export function logoutVectors({
  ids: entity,
  mine,
  theirs,
  signedIn,
}: LogoutScene): Readonly<Record<string, Runner<Vector>>> {
  const keyOf = { plain: mine, theirs } as const
  const namedIn = (xml: string): Named => ({
    nameId: { value: /<saml:NameID[^>]*>([^<]*)/.exec(xml)?.[1] ?? '' },
    sessionIndex: /SessionIndex="([^"]*)"/.exec(xml)?.[1],
  })
  const requestXml = (
    whom: Named,
    { name = 'plain', id, destination = SLO, now = Date.now(), change }: Asked,
  ): string => {
    const xml = writeLogoutRequest({ id: id ?? `_slo${++ids}`, now, destination, issuer: entity[name] }, whom)
    return change === undefined ? xml : change(xml)
  }
  const requestUrl = (whom: Named, asked: Asked = {}): string => {
    const { name = 'plain', relayState, signer = keyOf[name] } = asked
    const going = { field: 'SAMLRequest', id: '', relayState, signer } as const
    return carried(requestXml(whom, asked), { binding: 'redirect', location: SLO }, going).url
  }
  const answerUrl = (name: 'plain' | 'theirs', inResponseTo: string, relayState?: string): string => {
    const id = `_sloa${++ids}`
    const xml = writeLogoutResponse(
      { id, now: Date.now(), destination: SLO, issuer: entity[name] },
      inResponseTo,
      'success',
    )
    const going = { field: 'SAMLResponse', id, relayState, signer: keyOf[name] } as const
    return carried(xml, { binding: 'redirect', location: SLO }, going).url
  }

  /** From a page of another site, in whatever browser. */
  const send = async (
    rig: Rig,
    browser: Browser,
    url: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<Page> => {
    rig.tally.sent++
    const headers = { origin: form === undefined ? undefined : 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const page = await browser.call(url, { ...(form === undefined ? {} : { form }), headers })
    noServerError(rig, page, url)
    return page
  }
  const posted = (xml: string): Readonly<Record<string, string>> => ({
    SAMLRequest: Buffer.from(xml).toString('base64'),
  })
  const isIn = async (browser: Browser): Promise<boolean> =>
    (await browser.call(`${ORIGINS.login}/logout`)).status === 200
  const stays = async (rig: Rig, browser: Browser, page: Page, about: string): Promise<void> => {
    rig.tally.checks++
    assert.equal(await isIn(browser), true, about)
    // The partner that asked gets its answer, and that is the one place that a browser is taken to.
    const isAnswer = ['plain', 'theirs'].some((name) => page.location?.startsWith(`${sloOf(name)}?SAMLResponse=`))
    if (!isAnswer) leadsNowhereElse(rig, page, page.url, about)
  }
  const refused = async (rig: Rig, browser: Browser, page: Page, about: string): Promise<void> => {
    assert.equal(page.status, 400, about)
    await stays(rig, browser, page, about)
  }

  return {
    async 'slo-forged'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const unsigned = requestUrl(namedIn(xml)).replace(/&SigAlg=.*/, '')
      await refused(rig, browser, await send(rig, browser, unsigned), 'in an address')
      await refused(rig, browser, await send(rig, browser, SLO, posted(requestXml(namedIn(xml), {}))), 'in a form')
      await refused(rig, browser, await send(rig, browser, requestUrl(namedIn(xml), { signer: theirs })), 'another key')
      const envelope = enveloped(requestXml(namedIn(xml), { id: '_f' }), '_f', mine).replace(
        /<ds:Signature.*<\/ds:Signature>/s,
        '',
      )
      rig.tally.sent++
      const soap = await browser.call(SLO, { body: envelope, headers: { 'content-type': 'text/xml' } })
      await refused(rig, browser, soap, 'by SOAP')
    },
    async 'slo-wrapped'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const assertion = /<saml:Assertion.*<\/saml:Assertion>/s.exec(xml)?.[0] ?? assert.fail()
      const bare = (content: string): string =>
        requestXml(namedIn(xml), {
          change: (text) => text.replace('</samlp:LogoutRequest>', `${content}</samlp:LogoutRequest>`),
        })
      await refused(rig, browser, await send(rig, browser, SLO, posted(bare(assertion))), 'a captured assertion')
      const nobody: Named = { nameId: { value: 'nobody' }, sessionIndex: undefined }
      const signed = signElement(requestXml(nobody, { id: '_inner' }), '_inner', mine)
      const inside = bare(`<samlp:Extensions>${signed}</samlp:Extensions>`)
      await refused(rig, browser, await send(rig, browser, SLO, posted(inside)), 'a signed request inside')
    },
    async 'slo-other-sp'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const by = { name: 'theirs' } as const
      const whole: Named = { ...namedIn(xml), sessionIndex: undefined }
      for (const whom of [namedIn(xml), whole])
        await stays(rig, browser, await send(rig, browser, requestUrl(whom, by)), 'of another partner')
    },
    async 'slo-sessionindex'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const other: Named = { ...namedIn(xml), sessionIndex: '_other' }
      await stays(rig, browser, await send(rig, browser, requestUrl(other)), 'another index')
      const two = await signedIn(rig, 'plain')
      await send(rig, browser, requestUrl(namedIn(two.xml)))
      assert.deepEqual([await isIn(browser), await isIn(two.browser)], [true, false], 'one session of two')
      await send(rig, browser, requestUrl({ ...namedIn(xml), sessionIndex: undefined }))
      assert.equal(await isIn(browser), false, 'without an index all of that name')
    },
    async 'slo-expired'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const past = new Date(Date.now() - 90_000).toISOString()
      const change = (text: string): string => text.replace(/NotOnOrAfter="[^"]*"/, `NotOnOrAfter="${past}"`)
      await refused(rig, browser, await send(rig, browser, requestUrl(namedIn(xml), { change })), 'NotOnOrAfter')
      const now = Date.now() - 3_600_000
      await refused(rig, browser, await send(rig, browser, requestUrl(namedIn(xml), { now })), 'IssueInstant')
    },
    async 'slo-replay'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const url = requestUrl({ ...namedIn(xml), sessionIndex: undefined })
      await send(rig, browser, url)
      assert.equal(await isIn(browser), false)
      const again = await signedIn(rig, 'plain')
      await refused(rig, again.browser, await send(rig, again.browser, url), 'again')
    },
    async 'slo-destination'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      for (const destination of [
        'https://other.example/slo',
        `${SLO}/`,
        SLO.replace('employees', 'customers'),
        SLO.replace('/slo', '/sso'),
      ])
        await refused(rig, browser, await send(rig, browser, requestUrl(namedIn(xml), { destination })), destination)
    },
    async 'slo-response-unsolicited'(rig) {
      const { browser } = await signedIn(rig, 'plain')
      const page = await send(rig, browser, answerUrl('plain', '_nobody-asked'))
      assert.deepEqual([page.status, page.location], [303, '/leaving'])
      await stays(rig, browser, page, 'unsolicited')
    },
    async 'slo-relaystate'(rig) {
      const { browser } = await signedIn(rig, 'plain')
      const file = new URL('vectors/goto.json', import.meta.url)
      const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly { readonly goto: string }[]
      for (const { goto } of vectors.slice(0, 40)) {
        const page = await send(rig, browser, answerUrl('plain', '_nobody', goto))
        assert.equal(page.location, '/leaving', goto)
      }
      const nobody: Named = { nameId: { value: 'nobody' }, sessionIndex: undefined }
      const page = await send(rig, browser, requestUrl(nobody, { relayState: 'https://evil.example/' }))
      assert.equal(
        new URL(page.location ?? '').origin,
        new URL(sloOf('plain')).origin,
        'back to the partner, and nowhere else',
      )
    },
    async 'slo-loop'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const second = await signedIn(rig, 'theirs', browser)
      let page = await send(rig, browser, requestUrl(namedIn(xml)))
      page = await browser.open(new URL(page.location ?? '', ORIGINS.login).href)
      assert.match(page.body, /theirs/)
      // In place of an answer the second partner asks for a logout itself, again and again.
      for (let times = 0; times < 5; times++) {
        const asked = await send(rig, browser, requestUrl(namedIn(second.xml), { name: 'theirs' }))
        assert.equal(
          new URL(asked.location ?? '').origin,
          new URL(sloOf('theirs')).origin,
          'it is answered, and that is all',
        )
        page = await browser.open(`${ORIGINS.login}/leaving`)
        assert.match(page.body, /theirs has not answered/, 'nobody is taken there again')
      }
    },
    async 'slo-csrf'(rig) {
      const { browser, xml } = await signedIn(rig, 'plain')
      const image = await browser.call(`${ORIGINS.login}/logout`, {
        headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' },
      })
      await stays(rig, browser, image, 'a link')
      const form = await send(rig, browser, `${ORIGINS.login}/logout`, {})
      assert.equal(form.status, 403)
      await stays(rig, browser, form, 'a form')
      await refused(rig, browser, await send(rig, browser, `${SLO}?SAMLRequest=x`), 'no message')
      await send(rig, browser, requestUrl(namedIn(xml)))
      assert.equal(await isIn(browser), false, 'a signed request of the partner’s is one')
    },
  }
}
