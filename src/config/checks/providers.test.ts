import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idpMetadata, newSigner } from '../../federation/saml/partner.fixture.ts'
import { problemsOf } from '../config-folder.fixture.ts'

test('SAML providers: each once, with a module of its type, and domains where people are found by address', async (t) => {
  const idp = {
    type: 'saml',
    title: 'Corp',
    entityId: 'https://idp.example/metadata',
    metadata: idpMetadata(newSigner()),
  }
  const module = (provider: string, type = 'saml') => ({ type, provider })
  const problems = await problemsOf(t, {
    'realms/staff/realm.yaml': JSON.stringify({
      identityProviders: {
        corp: { ...idp, link: { claim: 'mail', is: 'mail' } },
        again: { ...idp, link: { claim: 'sub', is: 'externalId' } },
      },
      authentication: {
        modules: { password: { type: 'password' }, corp: module('corp'), again: module('again', 'oidc') },
        chains: { default: [{ module: 'password', or: ['corp', 'again'], criteria: 'REQUISITE' }] },
      },
    }),
    'realms/staff/users.yaml': 'users: []\n',
  })
  const said = problems.join('\n')
  assert.match(said, /corp is the same provider/)
  assert.match(said, /"again" is of type saml, and so is its module/)
  assert.match(said, /mail counts where its domain is among `domains`, and there are none/)
})
