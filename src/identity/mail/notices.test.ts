import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { EpochMs, RealmName } from '../../base/brand.ts'
import type { AuditEvent, AuditSink } from '../../telemetry/audit.ts'
import type { Log } from '../../telemetry/log.ts'
import type { NamedDirectory, User } from '../directory.ts'
import type { Message, Messenger } from './messenger.ts'
import { createNotices } from './notices.ts'

const REALM = '/employees' as RealmName
const about = { at: 1_800_000_000_000 as EpochMs, requestId: 'r', clientIp: '192.0.2.1' }
const signedIn: AuditEvent = {
  ...about,
  event: 'AuthnSucceeded',
  realm: REALM,
  username: 'alice',
  sid: 's',
  authLevel: 1,
  modules: ['password'],
}
const enrolled: AuditEvent = {
  ...about,
  event: 'FactorEnrolled',
  realm: REALM,
  username: 'alice',
  type: 'totp',
  factor: 'f',
}
const FIREFOX = { userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', language: 'fr' }

function scene(attributes: User['attributes'] = { mail: ['alice@acme.example'] }) {
  const sent: Message[] = []
  const recorded: AuditEvent[] = []
  const warned: unknown[] = []
  const counts = new Map<string, number>()
  const state = { works: true, tries: 0 }
  const mail: Messenger = {
    send: (message) => {
      state.tries++
      if (state.works) sent.push(message)
      return Promise.resolve(state.works)
    },
    probe: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  }
  const note = (...args: unknown[]): void => void warned.push(args)
  const log: Log = { error: note, warn: note, info: note, debug: note }
  const user: User = { id: 'a', username: 'alice', groups: new Set(), attributes }
  const directory: NamedDirectory = {
    realm: REALM,
    checkPassword: () => Promise.resolve({ kind: 'failed', reason: 'unknown-user' }),
    find: (id) => (id === 'a' ? user : undefined),
    idOf: (username) => (username === 'alice' ? 'a' : undefined),
    absence: () => 'removed',
  }
  const sink = createNotices({
    audit: { record: (event) => void recorded.push(event) },
    mail,
    counters: {
      add: (key, amount) => {
        counts.set(key, (counts.get(key) ?? 0) + amount)
        return Promise.resolve({ count: counts.get(key) ?? 0, resetsAt: 0 as EpochMs })
      },
      read: () => Promise.resolve(undefined),
      clear: () => Promise.resolve(),
    },
    directories: new Map([[REALM, directory]]),
    titleOf: () => 'Acme',
    log,
    againMs: 1,
  })
  const tell = async (...args: Parameters<AuditSink['record']>): Promise<void> => {
    sink.record(...args)
    for (let i = 0; i < 20; i++) await turn()
  }
  return { sent, recorded, warned, state, tell, sink }
}

suite('notices', () => {
  test('of a new factor: to whom, when, with which browser, from where, and what to do', async () => {
    const { sent, recorded, tell } = scene()
    await tell(enrolled, FIREFOX)
    assert.deepEqual(recorded, [enrolled])
    const [mail] = sent
    assert.equal(mail?.to, 'alice@acme.example')
    assert.match(mail.subject, /Acme/)
    for (const part of ['15 janvier 2027', 'Firefox', '192.0.2.1', 'alice', 'changez votre mot de passe'])
      assert.ok(mail.text.includes(part), `${part} is missing in ${mail.text}`)
  })

  test('in the language of the account, not in that of whoever is at the page', async () => {
    const { sent, tell } = scene({ mail: ['alice@acme.example'], preferredLanguage: ['de-CH'] })
    await tell(enrolled, FIREFOX)
    assert.match(sent[0]?.subject ?? '', /Sicherheitshinweis/)
  })

  test('of removed factors and changed passwords', async () => {
    const { sent, tell } = scene()
    await tell({ ...about, event: 'FactorRemoved', realm: REALM, username: 'alice', type: 'totp', factor: 'f' })
    await tell({
      ...about,
      event: 'PasswordChanged',
      realm: REALM,
      username: 'alice',
      sid: undefined,
      by: 'administrator',
    })
    assert.equal(sent.length, 2)
  })

  test('of a browser or a network that is new to the account; the first ever is none', async () => {
    const { sent, tell } = scene()
    await tell(signedIn, FIREFOX)
    await tell({ ...signedIn, clientIp: '192.0.99.7' }, FIREFOX)
    assert.equal(sent.length, 0, 'the same neighbourhood')
    await tell({ ...signedIn, clientIp: '203.0.113.9' }, FIREFOX)
    assert.equal(sent.length, 1)
    await tell(signedIn, { userAgent: 'Safari', language: undefined })
    assert.equal(sent.length, 2)
    await tell(signedIn, { userAgent: 'Safari', language: undefined })
    assert.equal(sent.length, 2)
  })

  test('people without an address, and people who are gone, get none', async () => {
    const { sent, tell, warned } = scene({})
    await tell(enrolled)
    await tell({ ...enrolled, username: 'gone' })
    assert.deepEqual([sent.length, warned.length], [0, 0])
  })

  test('a mail that fails is tried three times and logged, without a word in the way of whoever records', async () => {
    const { state, warned, sink } = scene()
    state.works = false
    sink.record(enrolled)
    assert.equal(state.tries, 0, 'nobody waits for it')
    while (warned.length === 0) await turn()
    assert.equal(state.tries, 3)
    assert.doesNotMatch(JSON.stringify(warned), /alice/)
  })

  test('an attack does not fill the memory with them', () => {
    const { warned, sink, recorded } = scene()
    for (let i = 0; i < 501; i++) sink.record(enrolled)
    assert.equal(recorded.length, 501)
    assert.equal(warned.length, 1)
  })
})
