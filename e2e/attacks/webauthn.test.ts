import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { FLAGS, type Deviation } from '../../src/authn/modules/webauthn/authenticator.fixture.ts'
import { issue } from '../../src/authn/modules/x509/certificates.fixture.ts'
import { AAGUID, AAGUID_TEXT, createMaker, packed } from '../../src/authn/modules/webauthn/maker.fixture.ts'
import { LOGIN, notRaised, stepUpPage } from './authenticator.ts'
import { calm } from './oracles.ts'
import { CBOR, FORMATS, negatedS, SIGNATURES } from './malformed-keys.ts'
import {
  authenticator,
  changed,
  CHALLENGE_MS,
  enrolPage,
  flipped,
  onTwoNodes,
  optionsOf,
  passkeyRealm,
  refusesSetUp,
  refusesUse,
  registers,
  sendKey,
  setsUp,
  setUpKey,
  signsIn,
  withMakers,
  type Attempt,
  type Enrolling,
  type Owner,
} from './passkeys.ts'
import { ORIGINS } from './rig-config.ts'
import { runVectors, type Vector } from './suite.ts'

const USUAL = FLAGS.up | FLAGS.uv | FLAGS.be | FLAGS.bs

let alice: Owner
let bob: Owner
/** Has no key until one of the last vectors. */
let mallory: Enrolling

runVectors<Vector>(
  'webauthn',
  {
    async setUp(rig) {
      alice = await setUpKey(rig, 'alice')
      bob = await setUpKey(rig, 'bob')
      mallory = { rig, person: await rig.signIn('mallory') }
    },
    only: {
      'rpid-hash': async (rig) => {
        const deviations = {
          'another site': { rpId: 'evil.example' },
          'the domain above': { rpId: 'example.com' },
          'a site beside': { rpId: 'app.example.com' },
        }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      type: async (rig) => {
        await refusesUse(rig, bob.key, {
          'created, it says': { clientData: { type: 'webauthn.create' } },
          'a payment': { clientData: { type: 'payment.get' } },
          'a registration': (options) =>
            authenticator({ credentialId: bob.key.credentialId }).create({
              ...options,
              rp: { id: 'gw.example.com' },
              user: { id: bob.handle },
            }),
        })
        await refusesSetUp(mallory, {
          'used, it says': { clientData: { type: 'webauthn.get' } },
          'an assertion': (options) => bob.key.get({ ...options, rpId: 'gw.example.com' }),
        })
      },
      'challenge-wrong': async (rig) => {
        const deviations = {
          random: { clientData: { challenge: randomBytes(32).toString('base64url') } },
          empty: { clientData: { challenge: '' } },
          none: { clientData: { challenge: undefined } },
          'a list': { clientData: { challenge: [] } },
        }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      'challenge-replay': async (rig) => {
        const client = rig.browser()
        const page = await client.call(LOGIN)
        const outcome = bob.key.get(optionsOf(page))
        const ends = await Promise.all(Array.from({ length: 8 }, () => sendKey(rig, client, page, outcome)))
        const passed = ends.filter(({ location }) => location !== undefined)
        assert.equal(passed.length, 1, 'one answer, eight times at once')
        assert.equal((await sendKey(rig, client, page, outcome)).location, undefined, 'nor later')
        await refusesUse(rig, bob.key, { 'nor in another browser': () => outcome })
        await onTwoNodes(rig, bob.key)
      },
      'challenge-other-session': async (rig) => {
        const [victim, attacker] = [rig.browser(), rig.browser()]
        const [theirs, own] = [await victim.call(LOGIN), await attacker.call(LOGIN)]
        const outcome = bob.key.get(optionsOf(own))
        assert.equal((await sendKey(rig, victim, theirs, outcome)).location, undefined, "an answer to another's page")
        assert.equal(
          (await sendKey(rig, rig.browser(), own, outcome)).location,
          undefined,
          'a page without its browser',
        )
        assert.notEqual((await sendKey(rig, attacker, own, outcome)).location, undefined)
        const page = await enrolPage(mallory)
        const form = await enrolPage(mallory)
        const made = authenticator().create(optionsOf(page))
        assert.ok(registers(await sendKey(rig, mallory.person.client, form, made)), 'two tabs')
      },
      'challenge-expired': async (rig) => {
        const client = rig.browser()
        const [late, page] = [await client.call(LOGIN), await client.call(LOGIN)]
        await rig.shiftClock(CHALLENGE_MS + 1_000)
        assert.equal((await sendKey(rig, client, late, bob.key.get(optionsOf(late)))).location, undefined)
        await rig.shiftClock(0)
        assert.notEqual((await sendKey(rig, client, page, bob.key.get(optionsOf(page)))).location, undefined)
      },
      'challenge-b64': async (rig) => {
        const client = rig.browser()
        let page = await client.call(LOGIN)
        while (!/[-_]/.test(optionsOf(page)['challenge'] as string)) page = await client.call(LOGIN)
        const right = optionsOf(page)['challenge'] as string
        const standard = right.replaceAll('-', '+').replaceAll('_', '/')
        for (const challenge of [standard, `${standard}=`, `${right}=`, ` ${right}`, `${right}\n`]) {
          const answer = await sendKey(rig, client, page, bob.key.get(optionsOf(page), { clientData: { challenge } }))
          assert.equal(answer.location, undefined, challenge)
          page = answer
          while (!/data-options/.test(page.body)) page = await client.call(LOGIN)
        }
        await refusesUse(rig, bob.key, {
          'a padded id': { json: (answer) => ({ ...answer, id: `${bob.key.credentialId}=` }) },
          'a padded signature': { json: changed((response) => ({ signature: `${response['signature']}=` })) },
          'white space': { json: changed((response) => ({ clientDataJSON: ` ${response['clientDataJSON']}` })) },
        })
      },
      crossOrigin: async (rig) => {
        const deviations = {
          'a frame': { clientData: { crossOrigin: true } },
          'a frame in evil': { clientData: { topOrigin: 'https://evil.example' } },
          'a frame, by another type': { clientData: { crossOrigin: 'true' } },
          evil: { clientData: { origin: 'https://evil.example' } },
          'another port': { clientData: { origin: `${ORIGINS.login}:8443` } },
          'without TLS': { clientData: { origin: 'http://gw.example.com' } },
          'an application': { clientData: { origin: ORIGINS.app } },
          none: { clientData: { origin: undefined } },
        }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      'up-clear': async (rig) => {
        const deviations = { untouched: { flags: USUAL & ~FLAGS.up }, nothing: { flags: 0 } }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      'uv-clear': async (rig) => {
        const flags = USUAL & ~FLAGS.uv
        await refusesUse(rig, bob.key, { 'not verified': { flags } })
        await refusesSetUp(mallory, { 'not verified': { flags } })
        const person = await rig.signIn('bob')
        const page = await stepUpPage(person)
        const answer = await sendKey(rig, person.client, page, bob.key.get(optionsOf(page), { flags }))
        assert.equal(answer.location, undefined)
        await notRaised(rig, person, 'a key that was only touched')
      },
      'cred-other-user': async (rig) => {
        const person = await rig.signIn('alice')
        const page = await stepUpPage(person)
        const named = JSON.stringify(optionsOf(page))
        assert.ok(named.includes(alice.key.credentialId) && !named.includes(bob.key.credentialId))
        for (const userHandle of [bob.handle, alice.handle, null]) {
          const form = await stepUpPage(person)
          const outcome = bob.key.get(optionsOf(form), { userHandle })
          assert.equal((await sendKey(rig, person.client, form, outcome)).location, undefined)
          const renamed = bob.key.get(optionsOf(form), { userHandle, credentialId: alice.key.credentialId })
          assert.equal((await sendKey(rig, person.client, form, renamed)).location, undefined)
        }
        await notRaised(rig, person, "somebody else's key")
      },
      'userhandle-mismatch': (rig) =>
        refusesUse(rig, bob.key, {
          none: { userHandle: null },
          "alice's": { userHandle: alice.handle },
          nobody: { userHandle: randomBytes(32).toString('base64url') },
          'the name': { userHandle: Buffer.from('bob').toString('base64url') },
        }),
      'cred-unknown': async (rig) => {
        const stranger = authenticator()
        stranger.create({ challenge: '', rp: { id: 'gw.example.com' }, user: { id: bob.handle } })
        await refusesUse(rig, bob.key, {
          'a key of nobody': (options) => stranger.get(options),
          "under bob's id": (options) => stranger.get(options, { credentialId: bob.key.credentialId }),
          'under no id': { credentialId: randomBytes(32).toString('base64url') },
        })
      },
      'cred-dup-register': async (rig) => {
        const { credentialId } = bob.key
        await refusesSetUp(mallory, {
          "bob's id": (options) => authenticator({ credentialId }).create(options),
          "bob's id, inside alone": { credentialId },
          "bob's id, outside alone": { json: (right) => ({ ...right, id: credentialId, rawId: credentialId }) },
        })
        assert.ok(await signsIn(rig, (options) => bob.key.get(options)), "bob's key is as it was")
      },
      'sig-bad': (rig) => {
        const stranger = authenticator()
        return refusesUse(rig, bob.key, {
          'a bit': { signature: flipped },
          'of other bytes': {
            json: changed(({ authenticatorData = '' }) => ({
              authenticatorData: flipped(Buffer.from(authenticatorData, 'base64url')).toString('base64url'),
            })),
          },
          "another key's": (options) =>
            stranger.get(options, { userHandle: bob.handle, credentialId: bob.key.credentialId }),
          empty: { json: changed(() => ({ signature: '' })) },
          'no text': { json: changed(() => ({ signature: 1 })) },
        })
      },
      'sig-zero': async (rig) => {
        await refusesUse(rig, bob.key, SIGNATURES)
        // Real keys make high and low values of s alike, and WebAuthn asks for neither: what is refused is the second use.
        const client = rig.browser()
        const page = await client.call(LOGIN)
        const outcome = bob.key.get(optionsOf(page))
        const answer = JSON.parse(outcome) as object
        const twin = JSON.stringify(changed(({ signature = '' }) => ({ signature: negatedS(signature) }))(answer))
        assert.notEqual(twin, outcome)
        const ends = [await sendKey(rig, client, page, twin), await sendKey(rig, client, page, outcome)]
        assert.deepEqual(
          ends.map(({ location }) => location !== undefined),
          [true, false],
          'of two spellings of one signature one passes',
        )
      },
      'attestation-fake': (outer) => {
        const DAY = 86_400_000
        const maker = createMaker()
        const [twin, old] = [createMaker(), createMaker('Old', { from: 0, until: Date.now() - DAY })]
        const attestationRoots = [maker.root.pem, old.root.pem]
        return withMakers(outer, { attestationRoots, aaguids: [AAGUID_TEXT] }, async (enrolling) => {
          const made =
            (deviation: Deviation, aaguid = AAGUID): Attempt =>
            (options) =>
              authenticator({ aaguid }).create(options, deviation)
          const batch = maker.batch()
          const itself = issue({ name: batch.name, purposes: null })
          const other = Buffer.alloc(16, 7)
          await refusesSetUp(enrolling, {
            'no attestation': made({}),
            'a certificate that signs itself': made(packed([itself])),
            'a root of the same name': made(packed([twin.batch(), twin.root])),
            'a chain by name alone': made(packed([twin.batch(), maker.root])),
            'an issuer that is no authority': made(packed([maker.batch({ by: batch }), batch])),
            'an expired root': made(packed([old.batch()])),
            'an expired batch': made(packed([maker.batch({ from: 0, until: Date.now() - DAY })])),
            'a model that is not on the list': made(packed([maker.batch({}, other)]), other),
            'another model than certified': made(packed([maker.batch({}, other)])),
            'a signature of another batch': made(packed([{ ...batch, key: maker.batch().key }])),
            ...Object.fromEntries(
              Object.entries(FORMATS)
                .filter(([about]) => /^(?:packed|fido-u2f|tpm):/.test(about))
                .map(([about, deviation]) => [about, made(deviation)]),
            ),
          })
          assert.ok(await setsUp(enrolling, made(packed([batch]))), 'the right one is set up')
        })
      },
      'attestation-formats': async (rig) => {
        await refusesSetUp(mallory, FORMATS)
        await calm(rig, 'malformed attestations')
      },
      cbor: async (rig) => {
        await refusesSetUp(mallory, CBOR)
        await calm(rig, 'CBOR')
      },
      'authdata-short': async (rig) => {
        for (const length of [1, 32, 33, 36]) {
          const cut = { authData: (right: Buffer) => right.subarray(0, length) }
          await refusesUse(rig, bob.key, { [`${length} bytes`]: cut })
          await refusesSetUp(mallory, { [`${length} bytes`]: cut })
        }
        await refusesSetUp(mallory, {
          'a credential id longer than the rest': {
            authData: (right) => Buffer.concat([right.subarray(0, 53), Buffer.of(0xff, 0xff), right.subarray(55)]),
          },
          'no room for an id': { authData: (right) => right.subarray(0, 54) },
        })
        await refusesUse(rig, bob.key, { longer: { authData: (right) => Buffer.concat([right, Buffer.alloc(64)]) } })
      },
      'ext-data-flag': async (rig) => {
        const withFlags = (change: (flags: number) => number): Deviation => ({
          authData: (right) => Buffer.from(right.map((byte, i) => (i === 32 ? change(byte) : byte))),
        })
        await refusesUse(rig, bob.key, {
          'extensions that are not there': withFlags((flags) => flags | FLAGS.ed),
          'a credential that is not there': withFlags((flags) => flags | FLAGS.at),
        })
        await refusesSetUp(mallory, {
          'extensions that are not there': withFlags((flags) => flags | FLAGS.ed),
          'a credential without its flag': withFlags((flags) => flags & ~FLAGS.at),
        })
      },
      'be-bs': async (rig) => {
        const withoutEligibility = { flags: USUAL & ~FLAGS.be }
        await refusesUse(rig, bob.key, {
          'backed up, and not eligible': withoutEligibility,
          'no longer eligible': { flags: FLAGS.up | FLAGS.uv },
        })
        await refusesSetUp(mallory, { 'backed up, and not eligible': withoutEligibility })
      },
      tokenbinding: async (rig) => {
        const deviations = {
          present: { clientData: { tokenBinding: { status: 'present', id: 'AAAA' } } },
          'present, without an id': { clientData: { tokenBinding: { status: 'present' } } },
          'no status': { clientData: { tokenBinding: {} } },
          'a text': { clientData: { tokenBinding: 'present' } },
        }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      'id-only': async (rig) => {
        const other = randomBytes(32).toString('base64url')
        const deviations = {
          'another id': { json: (right: object) => ({ ...right, id: other }) },
          'another rawId': { json: (right: object) => ({ ...right, rawId: other }) },
          'no rawId': { json: (right: object) => ({ ...right, rawId: undefined }) },
          'another type': { json: (right: object) => ({ ...right, type: 'password' }) },
        }
        await refusesUse(rig, bob.key, deviations)
        await refusesSetUp(mallory, deviations)
      },
      downgrade: async (rig) => {
        const person = await rig.signIn('bob')
        for (const more of [
          { choose: 'password' },
          { choose: 'module:password' },
          { choose: 'totp' },
          { choose: 'later' },
          { stage: 'password', IDToken1: 'bob' },
          { enrol: 'true' },
        ]) {
          const page = await stepUpPage(person)
          assert.ok(!registers(page), 'who has a key is not offered another')
          const answer = await sendKey(rig, person.client, page, '', more)
          assert.equal(answer.location, undefined, JSON.stringify(more))
        }
        for (const query of [
          'authIndexType=module&authIndexValue=password',
          'authIndexType=service&authIndexValue=default',
        ]) {
          rig.tally.sent++
          await person.client.call(`${LOGIN}?${query}&ForceAuth=true`)
        }
        await notRaised(rig, person, 'a weaker factor')
      },
      exclude: async (rig) => {
        const [one, two] = [await enrolPage(mallory), await enrolPage(mallory)]
        const key = authenticator()
        const { client } = mallory.person
        const first = await sendKey(rig, client, one, key.create(optionsOf(one)))
        assert.notEqual(first.location, undefined, 'the first tab sets it up: nothing but deviations was refused')
        const second = await sendKey(rig, client, two, key.create(optionsOf(two)))
        assert.equal(second.location, undefined, 'the second tab does not set it up again')
        const { id: userHandle } = optionsOf(one)['user'] as { id: string }
        assert.ok(await signsIn(rig, (options) => key.get(options, { userHandle })), 'and it is as it was')
      },
      'conditional-ui': async (rig) => {
        const elsewhere = `${ORIGINS.login}/login/customers`
        for (const { key } of [alice, bob]) {
          assert.equal(await signsIn(rig, (options) => key.get(options), elsewhere), false, 'of another realm')
          assert.ok(await signsIn(rig, (options) => key.get(options)))
        }
        const client = rig.browser()
        const [here, there] = [await client.call(LOGIN), await client.call(elsewhere)]
        const authId = /name="authId" value="([^"]*)"/.exec(here.body)?.[1] ?? ''
        const moved = await sendKey(rig, client, there, bob.key.get(optionsOf(here)), { authId })
        assert.equal(moved.location, undefined, 'nor with the page of one realm at the address of the other')
      },
    },
  },
  { employees: passkeyRealm(), customers: passkeyRealm() },
)
