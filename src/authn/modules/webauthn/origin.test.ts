import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { asked } from '../../login.fixture.ts'
import type { Deviation } from './authenticator.fixture.ts'
import { LEVEL_2, optionsOf, scene } from './webauthn.fixture.ts'

/** What a browser says of pages that are not ours. The login host is https://login.acme.example. */
const ELSEWHERE: Readonly<Record<string, Deviation>> = {
  'on another site': { clientData: { origin: 'https://evil.example' } },
  'on another port': { clientData: { origin: 'https://login.acme.example:8443' } },
  'without TLS': { clientData: { origin: 'http://login.acme.example' } },
  'for another site': { rpId: 'evil.example' },
  'for the domain above': { rpId: 'acme.example' },
  'in a frame': { clientData: { crossOrigin: true } },
  'in a frame of another site': { clientData: { topOrigin: 'https://evil.example' } },
}

suite('a key that was used elsewhere', () => {
  for (const [where, deviation] of Object.entries(ELSEWHERE)) {
    test(`proves nothing here: ${where}`, async (t) => {
      const { begin, prove, enrol } = await scene(t)
      const { key } = await enrol('alice')
      const page = await begin()
      assert.equal(asked(await prove(page, undefined, key.get(optionsOf(page), deviation))).failure, 'bad-credentials')
      const next = await begin()
      assert.equal((await prove(next, undefined, key.get(optionsOf(next)))).kind, 'done')
    })
  }

  test('is not set up here', async (t) => {
    const { begin, prove, signIn, authenticator } = await scene(t)
    const session = await signIn('alice')
    let page = asked(await begin(session, LEVEL_2))
    for (const [where, deviation] of Object.entries(ELSEWHERE)) {
      page = asked(await prove(page, session, authenticator().create(optionsOf(page), deviation)))
      assert.deepEqual([page.enrols, page.failure], [true, 'wrong-code'], where)
    }
    assert.equal((await prove(page, session, authenticator().create(optionsOf(page)))).kind, 'done')
  })
})
