import { hashSync } from '@node-rs/argon2'
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { inflateRawSync } from 'node:zlib'
import {
  idpMetadata,
  newSigner,
  said,
  signedResponse,
  type Said,
  type Signer,
} from '../../src/federation/saml/partner.fixture.ts'
import { Client, type Answer } from '../client.ts'
import { startEchoApp } from '../echo-app.ts'
import { agentYaml, gatehouseYaml, startOwnRig, usersYaml, type OwnRig } from '../own-rig.ts'

/** One who asks, and by which request. */
export interface Asked {
  readonly client: Client
  readonly requestId: string
  readonly relayState: string
}

/** A gateway whose people sign in by SAML providers that anybody of the tests is. */
export interface SamlRig {
  readonly rig: OwnRig
  /** `corp` in the configuration: `alice` there is alice. */
  readonly corp: Signer
  /** Gives the same names to other people, and lets them come without having been asked. */
  readonly other: Signer
  /** Its certificate is over. */
  readonly expired: Signer
  readonly login: string
  readonly acs: string
  readonly entityId: string
  /** The button of a provider: `corp`, `strong` (asks for more of the same), `mail` (by address), `whole` (signed as a whole), `expired`, `other`. */
  depart(module?: string): Promise<Asked>
  /** What corp says to it. */
  says(asked: Asked, more?: Partial<Said>): Partial<Said>
  honest(asked: Asked, more?: Partial<Said>): string
  /** The form of another site: no cookie comes with it. Then what it leads to, with cookies. */
  arrive(asked: Pick<Asked, 'client'> & Partial<Asked>, xml: string, path?: string): Promise<Answer>
  /** The same with the form as it is. */
  send(client: Client, form: Readonly<Record<string, string>>, path?: string): Promise<Answer>
  /** A body of any type, sent to the same address; settles with the status. */
  raw(body: string, type: string): Promise<number>
  isSignedIn(client: Client): Promise<boolean>
  /** Reasons of all refusals so far. */
  refusals(): readonly unknown[]
  close(): Promise<void>
}

export const MFA = 'urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken'
export const IDS = { corp: 'https://corp.example/idp', other: 'https://other.example/idp' } as const
const LOGIN = 'login.acme.test'

export async function startSamlRig(): Promise<SamlRig> {
  const app = await startEchoApp()
  const [corp, other, expired] = [newSigner(), newSigner(), newSigner({ notBefore: 0, notAfter: Date.now() - 1_000 })]
  const provider = (signer: Signer, name: keyof typeof IDS, is: string, more: object = {}) => ({
    ...{ type: 'saml', title: name, entityId: IDS[name], clockTolerance: '0s', link: { claim: 'sub', is } },
    metadata: idpMetadata(signer, { idp: IDS[name], signOn: `${IDS[name]}/sso` }),
    ...more,
  })
  const identityProviders = {
    corp: provider(corp, 'corp', 'externalId'),
    other: provider(other, 'other', 'otherId', { unsolicited: true }),
    mail: {
      ...provider(corp, 'corp', 'mail', { domains: ['corp.example'], link: { claim: 'mail', is: 'mail' } }),
      entityId: `${IDS.corp}/mail`,
      metadata: idpMetadata(corp, { idp: `${IDS.corp}/mail` }),
    },
    whole: { ...provider(corp, 'corp', 'wholeId', { signed: 'response' }), ...named(corp, 'whole') },
    expired: { ...provider(expired, 'corp', 'expiredId'), ...named(expired, 'expired') },
  }
  const names = Object.keys(identityProviders)
  const modules = {
    ...Object.fromEntries(names.map((each) => [each, { type: 'saml', provider: each }])),
    strong: { type: 'saml', provider: 'corp', authLevel: 2, authnContext: [MFA] },
  }
  const rig = await startOwnRig({
    files: {
      'agent-config/gatehouse.yaml': gatehouseYaml(),
      'agent-config/app.yaml': agentYaml('app', app.url),
      'realms/realm.yaml': '',
      'realms/staff/realm.yaml': JSON.stringify({
        identityProviders,
        authentication: {
          modules: { password: { type: 'password' }, ...modules },
          chains: { default: [{ module: 'password', or: [...names, 'strong'], criteria: 'REQUISITE' }] },
        },
      }),
      'realms/staff/users.yaml': usersYaml([
        {
          username: 'alice',
          hash: cheapHash(),
          attributes: { externalId: 'alice', wholeId: 'alice', expiredId: 'alice', mail: 'alice@corp.example' },
        },
        { username: 'admin', hash: cheapHash(), attributes: { externalId: 'admin', mail: 'admin@victim.example' } },
        { username: 'alicia', hash: cheapHash(), attributes: { otherId: 'alice' } },
      ]),
    },
  })
  const login = `http://${LOGIN}:${rig.port}`
  const acs = `${login}/saml2/staff/acs`
  const entityId = `${login}/saml2/staff/metadata`

  const send: SamlRig['send'] = async (client, form, path = '/saml2/staff/acs') => {
    const crossSite = { 'sec-fetch-site': 'cross-site', origin: 'https://corp.example' }
    const posted = await client.call(`${login}${path}`, { form, headers: { ...crossSite, cookie: '' } })
    const { location } = posted.headers
    return location === undefined
      ? posted
      : client.call(new URL(location, login).href, { headers: { 'sec-fetch-site': 'cross-site' } })
  }
  const says: SamlRig['says'] = ({ requestId }, more = {}) =>
    said({ idp: IDS.corp, sp: entityId, acs, inResponseTo: requestId, ...more })

  return {
    ...{ rig, corp, other, expired, login, acs, entityId, send, says },
    async depart(module = 'corp') {
      const client = new Client()
      const page = await client.call(`${login}/login/staff`)
      const authId = /name="authId" value="([\w.-]+)"/.exec(page.body)?.[1] ?? ''
      const away = await client.call(`${login}/login/staff`, { form: { authId, stage: 'password', choose: module } })
      const [, url] = /^0; url=(.+)$/.exec(String(away.headers['refresh'])) ?? []
      assert.ok(url !== undefined, away.body)
      const { searchParams } = new URL(url)
      const request = inflateRawSync(Buffer.from(searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
      const requestId = / ID="([^"]+)"/.exec(request)?.[1] ?? ''
      return { client, requestId, relayState: searchParams.get('RelayState') ?? '' }
    },
    honest: (asked, more) => signedResponse(corp, says(asked, more)),
    arrive: ({ client, relayState }, xml, path) =>
      send(
        client,
        {
          SAMLResponse: Buffer.from(xml, 'utf8').toString('base64'),
          ...(relayState === undefined ? {} : { RelayState: relayState }),
        },
        path,
      ),
    raw: (body, type) =>
      new Promise((resolve, reject) => {
        const headers = { host: new URL(login).host, 'content-type': type, 'content-length': Buffer.byteLength(body) }
        const place = { host: '127.0.0.1', port: rig.port, path: new URL(acs).pathname, method: 'POST', headers }
        request(place, (answer) => resolve(answer.resume().statusCode ?? 0))
          .on('error', reject)
          .end(body)
      }),
    async isSignedIn(client) {
      const before = app.seen.length
      const answer = await client.open(`http://app.acme.test:${rig.port}/x`)
      return answer.status === 200 && app.seen.length > before
    },
    refusals: () => rig.lines().flatMap(({ message, reason }) => (REFUSED.includes(String(message)) ? [reason] : [])),
    async close() {
      assert.equal(await rig.stop(), 0)
      await app.close()
    },
  }
}

const REFUSED = ['an assertion was refused', 'a login by a provider was refused']

function named(signer: Signer, name: string): object {
  const entityId = `${IDS.corp}/${name}`
  return { entityId, metadata: idpMetadata(signer, { idp: entityId }) }
}

function cheapHash(): string {
  return hashSync('not used', { memoryCost: 8, timeCost: 1, parallelism: 1, outputLen: 32 })
}
