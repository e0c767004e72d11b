import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { createAuthority } from '../certificates.ts'
import { startSilentServer, startSmtp, textOf, type SmtpOptions, type SmtpServer } from '../smtp.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { codeLetter, noticeLetter } from '../../src/identity/mail/letters.ts'
import { mailSchema } from '../../src/identity/mail/mail.schema.ts'
import { createMailer } from '../../src/identity/mail/mailer.ts'
import type { Message, Messenger } from '../../src/identity/mail/messenger.ts'
import { wordingFor } from '../../src/identity/mail/texts.ts'

const ADDRESS = 'alice@acme.example'

function logTo(lines: unknown[]): Log {
  const note = (...args: unknown[]): void => void lines.push(args)
  return { error: note, warn: note, info: note, debug: note }
}

function open(t: TestContext, settings: object, lines: unknown[] = []): Messenger {
  const config = mailSchema.parse({ host: '127.0.0.1', from: 'sso@acme.example', timeout: '20s', ...settings })
  const mailer = createMailer(config, { log: logTo(lines) })
  t.after(() => mailer.close())
  return mailer
}

async function server(t: TestContext, options?: SmtpOptions): Promise<SmtpServer> {
  const smtp = await startSmtp(options)
  t.after(() => smtp.stop())
  return smtp
}

function letter(more: Partial<Message> = {}): Message {
  const wording = wordingFor('fr')
  return {
    ...codeLetter(wording, { realm: 'Acmé', user: 'alice', code: '12345678', minutes: 5 }),
    to: ADDRESS,
    ...more,
  }
}

suite('mails', () => {
  test('are sent over STARTTLS to a server that the authority vouches for, with the account', async (t) => {
    const authority = createAuthority('mail authority')
    t.after(() => authority.remove())
    const account = { user: 'sso', password: 'a password' }
    const smtp = await server(t, { pair: authority.issue('localhost', ['localhost']), account })
    const settings = { host: 'localhost', port: smtp.port, ca: authority.cert, ...account }
    assert.equal(await open(t, settings).send(letter()), true)
    const mail = await smtp.next()
    assert.deepEqual([mail.from, mail.to, mail.secure], ['sso@acme.example', [ADDRESS], true])
    assert.match(textOf(mail), /Saisissez ce code pour vous connecter à Acmé en tant que alice[^]*12345678/)
    assert.match(mail.raw, /^Auto-Submitted: auto-generated\r$/im)
    assert.match(mail.raw, /text\/html/)
    assert.equal(await open(t, settings).probe(), true)
    const lines: unknown[] = []
    assert.equal(await open(t, { ...settings, password: 'another' }, lines).send(letter()), false)
    assert.doesNotMatch(JSON.stringify(lines), /another|alice|12345678/)
  })

  test('RFC 3207 §6: are not sent where nothing is encrypted, nor to a server that nobody vouches for', async (t) => {
    const plain = await server(t)
    const authority = createAuthority('another authority')
    t.after(() => authority.remove())
    const foreign = await server(t, { pair: authority.issue('localhost', ['localhost']) })
    for (const { port } of [plain, foreign]) {
      assert.equal(await open(t, { host: 'localhost', port }).send(letter()), false)
      assert.equal(await open(t, { host: 'localhost', port }).probe(), false)
    }
    assert.equal(plain.mails.length + foreign.mails.length, 0)
    assert.equal(await open(t, { port: plain.port, tls: 'none' }).send(letter()), true, 'only where it is said')
  })

  test('a server that is gone, and one that never says a word, cost the time-out and no more', async (t) => {
    const silent = await startSilentServer()
    t.after(() => silent.stop())
    const gone = await startSmtp()
    await gone.stop()
    for (const { port } of [silent, gone]) {
      const mailer = open(t, { port, tls: 'none', timeout: '300ms' })
      const began = performance.now()
      assert.deepEqual(await Promise.all([mailer.send(letter()), mailer.probe()]), [false, false])
      assert.ok(performance.now() - began < 30_000)
    }
  })

  test('no more wait than the queue holds', async (t) => {
    const silent = await startSilentServer()
    t.after(() => silent.stop())
    const lines: unknown[] = []
    const mailer = open(t, { port: silent.port, tls: 'none', queue: 2, timeout: '3s' }, lines)
    const waiting = [mailer.send(letter()), mailer.send(letter())]
    const first = await Promise.race([mailer.send(letter()).then((sent) => ['the third', sent]), Promise.race(waiting)])
    assert.deepEqual(first, ['the third', false], 'at once')
    await Promise.all(waiting)
  })

  const attacks = [
    'a@b.example\r\nBcc: eve@evil.example',
    'a@b.example, eve@evil.example',
    '<a@b.example>',
    'a@b.example\n',
    '"a b"@b.example',
    'a@@b',
    '',
  ]
  for (const to of attacks) {
    test(`no mail goes to ${JSON.stringify(to)}`, async (t) => {
      const smtp = await server(t)
      assert.equal(await open(t, { port: smtp.port, tls: 'none' }).send(letter({ to })), false)
      assert.equal(smtp.mails.length, 0)
    })
  }

  test('names in headers and pages are text, whatever they look like', async (t) => {
    const smtp = await server(t)
    const realm = 'Acme\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>'
    const mailer = open(t, { port: smtp.port, tls: 'none' })
    const wording = wordingFor('en')
    const code = codeLetter(wording, { realm, user: '<b>alice</b>', code: '12345678', minutes: 5 })
    const about = {
      realm,
      user: 'alice',
      kind: 'newDevice',
      at: 0,
      browser: '<img src=x>',
      network: '192.0.2.1',
    } as const
    const notice = noticeLetter(wording, about)
    for (const each of [code, notice]) {
      assert.equal(await mailer.send({ ...each, to: ADDRESS }), true)
      const mail = await smtp.next()
      assert.deepEqual(mail.to, [ADDRESS])
      assert.doesNotMatch(mail.raw.split('\r\n\r\n')[0] ?? '', /^Bcc/im)
      assert.doesNotMatch(each.html, /<script|<b>|<img/)
    }
  })
})
