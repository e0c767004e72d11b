import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { idpMetadata, newSigner } from '../../src/federation/saml/partner.fixture.ts'
import { changeLive, IN_FORCE, told } from './live-config.ts'
import type { Rig } from './rig.ts'

/** Where SAML messages come in. */
export interface SamlRealm {
  /** Paths: of requests to the identity provider, and of answers to the service provider. */
  readonly sso: string
  readonly acs: string
}

/** A realm that is both roles of SAML, there for as long as the attack takes. */
export async function withSamlRealm(rig: Rig, attack: (realm: SamlRealm) => Promise<void>): Promise<void> {
  const signer = newSigner()
  const idp = { type: 'saml', title: 'IdP', entityId: 'https://idp.example/metadata', metadata: idpMetadata(signer) }
  const partner = { id: 'wiki', name: 'Wiki', entityId: 'https://wiki.example', metadata: WIKI }
  try {
    await changeLive(rig, {
      'realms/spoken/realm.yaml': JSON.stringify({
        identityProviders: { idp: { ...idp, link: { claim: 'sub', is: 'externalId' } } },
        authentication: {
          modules: { idp: { type: 'saml', provider: 'idp' } },
          chains: { default: [{ module: 'idp', criteria: 'REQUISITE' }] },
        },
      }),
      'realms/spoken/users.yaml': 'users: []\n',
      'realms/spoken/clients.yaml': JSON.stringify({ saml: { serviceProviders: [partner] } }),
    })
    await attack({ sso: '/saml2/spoken/sso', acs: '/saml2/spoken/acs' })
  } finally {
    const gone = join(rig.root, 'was-spoken')
    await told(rig, IN_FORCE, () => renameSync(join(rig.root, 'realms/spoken'), gone))
    rmSync(gone, { recursive: true })
  }
}

const WIKI =
  '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://wiki.example">' +
  '<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">' +
  '<md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://wiki.example/acs"/>' +
  '</md:SPSSODescriptor></md:EntityDescriptor>'
