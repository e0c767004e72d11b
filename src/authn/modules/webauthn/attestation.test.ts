import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { issue, nameOf, CN } from '../x509/certificates.fixture.ts'
import { asked, done } from '../../login.fixture.ts'
import { FLAGS, type Deviation } from './authenticator.fixture.ts'
import { AAGUID, AAGUID_TEXT, createMaker, packed, u2f } from './maker.fixture.ts'
import { attestationKey, tpm } from './tpm.fixture.ts'
import { LEVEL_2, optionsOf, passkeys, scene } from './webauthn.fixture.ts'

const DAY = 86_400_000
const now = Date.now()
const maker = createMaker()
const right = packed([maker.batch()])

interface Attested extends Deviation {
  readonly aaguid?: Buffer
}

/** Whether a realm that trusts `roots` sets up a key that proves its make in this way. */
async function isSetUp(t: TestContext, { aaguid = AAGUID, ...deviation }: Attested, more: object = {}) {
  const direct = { attestation: 'direct', attestationRoots: [maker.root.pem], aaguids: [AAGUID_TEXT], ...more }
  const { begin, prove, signIn, authenticator, time } = await scene(t, passkeys(direct))
  // Certificates are judged by the wall clock too, inside the library.
  time.now = now
  const session = await signIn('alice')
  const page = await begin(session, LEVEL_2)
  assert.equal(optionsOf(page)['attestation'], 'direct')
  const key = authenticator({ aaguid, flags: FLAGS.up | FLAGS.uv })
  return (await prove(page, session, key.create(optionsOf(page), deviation))).kind === 'done'
}

suite('attestation: direct', () => {
  test('takes no key that a module with less to ask has set up', async (t) => {
    const strong = { type: 'webauthn', use: 'second', authLevel: 3, attestation: 'direct' }
    const { enrol, begin, prove } = await scene(t, {
      modules: {
        password: { type: 'password' },
        webauthn: { type: 'webauthn' },
        strong: { ...strong, attestationRoots: [maker.root.pem] },
      },
      chains: {
        default: [{ module: 'password', criteria: 'REQUIRED' }],
        ...Object.fromEntries(
          ['webauthn', 'strong'].map((module) => [
            module,
            [
              { module: 'password', criteria: 'REQUISITE' },
              { module, criteria: 'REQUIRED' },
            ],
          ]),
        ),
      },
    })
    const { key, session } = await enrol('alice', { aaguid: AAGUID })
    const page = asked(await begin(session, { level: 3, force: false }))
    assert.deepEqual([page.stage, page.enrols], ['strong', false])
    const options = optionsOf(page)
    assert.deepEqual(options['allowCredentials'], [])
    assert.equal(asked(await prove(page, session, key.get(options))).failure, 'wrong-code')
  })

  test('a key counts for a module of the same roots and models, and for no other', async (t) => {
    const twin = createMaker()
    const direct = { type: 'webauthn', use: 'second', attestation: 'direct', attestationRoots: [maker.root.pem] }
    const others: Record<string, object> = {
      webauthn: direct,
      same: { ...direct, authLevel: 3, aaguids: [AAGUID_TEXT] },
      roots: { ...direct, authLevel: 4, attestationRoots: [twin.root.pem] },
      models: { ...direct, authLevel: 5, aaguids: ['00000000-0000-0000-0000-000000000001'] },
    }
    const steps = Object.keys(others).map((module) => [
      module,
      [
        { module: 'password', criteria: 'REQUISITE' },
        { module, criteria: 'REQUIRED' },
      ],
    ])
    const { begin, prove, signIn, authenticator, time } = await scene(t, {
      modules: { password: { type: 'password' }, ...others },
      chains: { default: [{ module: 'password', criteria: 'REQUIRED' }], ...Object.fromEntries(steps) },
    })
    time.now = now
    const session = await signIn('alice')
    const form = await begin(session, LEVEL_2)
    const key = authenticator({ aaguid: AAGUID, flags: FLAGS.up | FLAGS.uv })
    const made = done(await prove(form, session, key.create(optionsOf(form), right))).issued.session
    const reach = async (level: number) => {
      const page = await begin(made, { level, force: false })
      return (await prove(page, made, key.get(optionsOf(page)))).kind
    }
    assert.deepEqual([await reach(5), await reach(4), await reach(3)], ['ask', 'ask', 'done'])
  })

  test('sets up a model on the list whose maker is trusted, also through an authority between', async (t) => {
    assert.ok(await isSetUp(t, right))
    const between = issue({ by: maker.root, name: nameOf([CN, 'Acme Keys 2026']), authority: true })
    assert.ok(await isSetUp(t, packed([maker.batch({ by: between }), between])))
    assert.ok(await isSetUp(t, packed([maker.batch(), maker.root])), 'the root may be sent along')
  })

  test('trusts a certificate that stands on the list itself', async (t) => {
    const batch = maker.batch()
    assert.ok(await isSetUp(t, packed([batch]), { attestationRoots: [batch.pem] }))
  })

  test('refuses a key that proves nothing, or signs for itself', async (t) => {
    assert.equal(await isSetUp(t, {}), false)
    const own = (): ReturnType<NonNullable<Deviation['attestation']>> => ({
      fmt: 'packed',
      attStmt: new Map<string, unknown>([
        ['alg', -7],
        ['sig', new Uint8Array(70)],
      ]),
    })
    assert.equal(await isSetUp(t, { attestation: own }), false)
  })

  test('refuses models that are not on the list; takes any where there is none', async (t) => {
    const other = Buffer.alloc(16, 7)
    const attested = { aaguid: other, ...packed([maker.batch({}, other)]) }
    assert.equal(await isSetUp(t, attested), false)
    assert.ok(await isSetUp(t, attested, { aaguids: undefined }))
  })

  test('refuses a key that says it is another model than its certificate says', async (t) => {
    assert.equal(await isSetUp(t, packed([maker.batch({}, Buffer.alloc(16, 7))])), false)
  })

  test('refuses makers whom nobody trusts, under whatever name', async (t) => {
    const twin = createMaker()
    const batch = twin.batch()
    assert.equal(await isSetUp(t, packed([batch])), false)
    assert.equal(await isSetUp(t, packed([batch, twin.root])), false)
    assert.equal(await isSetUp(t, packed([batch, maker.root])), false, 'the name of a root is no signature')
    const itself = issue({ name: batch.name, purposes: null })
    assert.equal(await isSetUp(t, packed([itself])), false, 'nor is one that signs itself')
  })

  test('refuses a batch between: only authorities issue', async (t) => {
    // The second may sign whatever it likes, but for that it is no authority.
    for (const usage of [0x80, null]) {
      const leaf = maker.batch({ usage })
      assert.equal(await isSetUp(t, packed([maker.batch({ by: leaf }), leaf])), false)
    }
  })

  test('refuses what has expired or is not valid yet: root, authority between, batch', async (t) => {
    const over = { from: now - 3 * DAY, until: now - DAY }
    const early = { from: now + DAY, until: now + 3 * DAY }
    for (const when of [over, early]) {
      assert.equal(await isSetUp(t, packed([maker.batch(when)])), false)
      const between = issue({ by: maker.root, name: nameOf([CN, 'Acme Keys 2020']), authority: true, ...when })
      assert.equal(await isSetUp(t, packed([maker.batch({ by: between }), between])), false)
      const old = createMaker('Old Root', when)
      assert.equal(await isSetUp(t, packed([old.batch()]), { attestationRoots: [old.root.pem] }), false)
    }
  })

  test('refuses a signature that is not the certificate’s', async (t) => {
    const flipped = (signature: Buffer): Uint8Array =>
      signature.map((byte, i) => (i === signature.length - 1 ? byte ^ 1 : byte))
    const [batch, other] = [maker.batch(), maker.batch()]
    assert.equal(await isSetUp(t, packed([batch], flipped)), false)
    assert.equal(await isSetUp(t, packed([{ ...batch, key: other.key }])), false)
  })

  test('refuses chains of more than five', async (t) => {
    const chain = [maker.root]
    for (let i = 0; i < 5; i++) {
      const [by = maker.root] = chain
      chain.unshift(issue({ by, name: nameOf([CN, `Between ${i}`]), authority: true }))
    }
    const [by = maker.root] = chain
    assert.equal(await isSetUp(t, packed([maker.batch({ by }), ...chain])), false)
    assert.ok(await isSetUp(t, packed([maker.batch(), maker.root])))
  })
})

suite('attestation: direct, of a U2F key', () => {
  const aaguid = Buffer.alloc(16)
  const anyModel = { aaguids: undefined }
  const batch = maker.batch({ more: [] })

  test('sets it up where its maker is trusted and any model will do: it says of itself which one it is to nobody', async (t) => {
    assert.ok(await isSetUp(t, { aaguid, ...u2f([batch]) }, anyModel))
    assert.equal(await isSetUp(t, { aaguid, ...u2f([batch]) }), false, 'on no list of models')
    assert.equal(await isSetUp(t, u2f([batch]), anyModel), false, 'a U2F key has no model')
  })

  test('refuses makers whom nobody trusts, and signatures over something else', async (t) => {
    assert.equal(await isSetUp(t, { aaguid, ...u2f([createMaker().batch({ more: [] })]) }, anyModel), false)
    // Reserved byte, relying party, what the client said, credential, key.
    for (const at of [0, 1, 33, 65, 98, 150]) {
      const changed = (right: Buffer): Buffer => right.map((byte, i) => (i === at ? byte ^ 1 : byte)) as Buffer
      assert.equal(await isSetUp(t, { aaguid, ...u2f([batch], changed) }, anyModel), false, String(at))
    }
    assert.equal(await isSetUp(t, { aaguid, ...u2f([{ ...batch, key: maker.batch().key }]) }, anyModel), false)
  })
})

suite('attestation: direct, of a TPM', () => {
  const aik = attestationKey(maker)
  const flip =
    (at: number) =>
    (right: Buffer): Buffer =>
      right.map((byte, i) => (i === (at + right.length) % right.length ? byte ^ 1 : byte)) as Buffer

  test('sets up a key that a chip of a trusted maker certifies', async (t) => {
    assert.ok(await isSetUp(t, tpm([aik])))
    assert.equal(await isSetUp(t, tpm([aik]), { aaguids: ['00000000-0000-0000-0000-000000000001'] }), false)
  })

  test('refuses makers whom nobody trusts, and certificates that are no attestation key’s', async (t) => {
    for (const wrong of [
      attestationKey(createMaker()),
      attestationKey(maker, {}, 'id:00000000'),
      attestationKey(maker, { purposes: null }),
      attestationKey(maker, { purposes: ['1.3.6.1.5.5.7.3.2'] }),
      attestationKey(maker, { name: nameOf([CN, 'TPM']) }),
      attestationKey(maker, { more: [] }),
      attestationKey(maker, { from: now - 3 * DAY, until: now - DAY }),
      maker.batch(),
    ])
      assert.equal(await isSetUp(t, tpm([wrong])), false)
  })

  test('refuses what the chip did not certify: another key, another challenge, another structure', async (t) => {
    for (const deviation of [
      // Its magic number and type, the hash of what the client said, the name of the key.
      ...[0, 5, 12, -3].map((at) => ({ certInfo: flip(at) })),
      ...[1, -1].map((at) => ({ pubArea: flip(at) })),
      { signature: flip(-1) },
    ])
      assert.equal(await isSetUp(t, tpm([aik], deviation)), false, JSON.stringify(Object.keys(deviation)))
    assert.equal(await isSetUp(t, tpm([{ ...aik, key: attestationKey(maker).key }])), false)
  })
})

test('attestation: none takes no certificates, so that nobody is told what they do not want to know', async (t) => {
  const { begin, prove, signIn, authenticator } = await scene(t)
  const session = await signIn('alice')
  const page = await begin(session, LEVEL_2)
  const outcome = authenticator({ aaguid: AAGUID }).create(optionsOf(page), right)
  assert.notEqual((await prove(page, session, outcome)).kind, 'done')
})
