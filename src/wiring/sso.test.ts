import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentId, RealmName } from '../base/brand.ts'
import { markText } from '../federation/oidc-rp/session-mark.ts'
import { sessionOf } from '../gateway/gateway.fixture.ts'
import type { User } from '../identity/directory.ts'
import type { Session } from '../session/session.ts'
import { eachAboutItsOwn } from './sso.ts'

test('of a session the client is asked that it began with, whichever site of the realm it comes to', async () => {
  const asked: string[] = []
  const realm = sessionOf('s1').realm
  const login = (name: string, of: RealmName = realm) => ({
    realm: of,
    name,
    factsOf({ sid }: Session) {
      asked.push(`${of} ${name} facts ${sid}`)
      return Promise.resolve<User | undefined>(undefined)
    },
    used: ({ sid }: Session) => void asked.push(`${of} ${name} use ${sid}`),
    signOutUrl: ({ sid }: Session) => Promise.resolve(`https://login.test/?${name}&${sid}`),
  })
  const logins = eachAboutItsOwn(
    new Map([
      ['files' as AgentId, login('sso/files')],
      ['papers' as AgentId, login('sso/papers')],
      ['far' as AgentId, login('sso/files', '/far' as RealmName)],
    ]),
  )
  const session = (provider: string) => ({
    ...sessionOf('s1'),
    properties: { oidc: markText({ provider, sid: 'x', tokens: 'y' }) },
  })
  const papers = logins.get('papers' as AgentId)
  assert.ok(papers)
  await papers.factsOf(session('sso/files'))
  papers.used(session('sso/papers'))
  assert.deepEqual(asked, [`${realm} sso/files facts s1`, `${realm} sso/papers use s1`])
  assert.equal(await papers.signOutUrl(session('sso/files')), 'https://login.test/?sso/files&s1')
  for (const unknown of [session('sso/gone'), session('other'), sessionOf('s1')]) {
    assert.equal(await papers.factsOf(unknown), undefined)
    assert.equal(await papers.signOutUrl(unknown), undefined)
  }
  assert.equal(asked.length, 2)
})
