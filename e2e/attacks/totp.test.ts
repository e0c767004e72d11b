import assert from 'node:assert/strict'
import { Secret } from 'otpauth'
import { loginForm } from '../client.ts'
import {
  code,
  factorForm,
  LOGIN,
  notRaised,
  SECRET,
  secondNode,
  send,
  setUpApp,
  stepUpPage,
  takes,
  withFactors,
} from './authenticator.ts'
import type { Page } from './browser.ts'
import type { SignedIn } from './rig.ts'
import { noServerError, twins } from './oracles.ts'
import { ORIGINS, PASSWORDS, TOTP_SECRETS, TOTP_STEP } from './rig-config.ts'
import { runVectors, type Vector } from './suite.ts'

const BOTH_REQUIRED = TOTP_STEP.replace(
  'default: [{ module: password, criteria: REQUIRED }]',
  'default: [{ module: password, criteria: REQUIRED }, { module: totp, criteria: REQUIRED }]',
)

const WITH_RECOVERY = TOTP_STEP.replace(
  'totp: { type: totp }',
  'totp: { type: totp }, recovery: { type: recovery }',
).replace('{ module: totp,', '{ module: totp, or: [recovery],')

runVectors<Vector>(
  'totp',
  {
    only: {
      replay: (outer) =>
        withFactors(outer, async (rig) => {
          const people = await Promise.all([rig.signIn('bob'), rig.signIn('bob'), rig.signIn('bob')])
          const digits = code(TOTP_SECRETS.bob)
          const taken = await Promise.all(people.map((person) => takes(rig, person, digits)))
          assert.equal(taken.filter(Boolean).length, 1, 'one code, three sessions at once')
          const second = await secondNode(rig)
          try {
            const there = await second.signIn('bob')
            assert.equal(await takes(second, there, digits), false, 'nor on another node')
            await notRaised(second, there, 'a used code')
          } finally {
            await second.stop()
          }
        }),
      'replay-across-users': (outer) =>
        withFactors(outer, async (rig) => {
          const kim = await rig.signIn('kim')
          assert.equal(await takes(rig, kim, code(TOTP_SECRETS.alice)), false)
          await notRaised(rig, kim, "somebody else's code")
        }),
      window: (outer) =>
        withFactors(outer, async (rig) => {
          const taken: boolean[] = []
          for (const steps of [-2, -1, 0, 1, 2])
            taken.push(await takes(rig, await rig.signIn('erin'), code(TOTP_SECRETS.erin, steps)))
          assert.deepEqual(taken, [false, true, true, true, false])
        }),
      'older-after-newer': (outer) =>
        withFactors(outer, async (rig) => {
          const [one, two] = [await rig.signIn('frank'), await rig.signIn('frank')]
          assert.equal(await takes(rig, one, code(TOTP_SECRETS.frank)), true)
          assert.equal(await takes(rig, two, code(TOTP_SECRETS.frank, -1)), false)
          await notRaised(rig, two, 'an older code')
        }),
      'race-bruteforce': (outer) =>
        withFactors(outer, async (rig) => {
          const grace = await rig.signIn('grace')
          const pages: Page[] = []
          for (let i = 0; i < 200; i++) pages.push(await stepUpPage(grace))
          rig.tally.sent += pages.length
          const answers = await Promise.all(pages.map((page, i) => send(grace, page, String(i).padStart(6, '0'))))
          for (const answer of answers) noServerError(rig, answer, 'a guess')
          const judged = answers.filter(({ status }) => status === 401).length
          assert.ok(judged >= 1 && judged <= 6, `${judged} guesses were judged`)
          assert.equal(await takes(rig, grace, code(TOTP_SECRETS.grace)), false, 'and a right one has to wait')
          await notRaised(rig, grace, '200 guesses')
        }),
      'array-param': (outer) =>
        withFactors(outer, async (rig) => {
          const heidi = await rig.signIn('heidi')
          const page = await stepUpPage(heidi)
          const { action, form } = loginForm({ ...page, headers: {} }, '000000', '')
          const right = code(TOTP_SECRETS.heidi)
          for (const names of [
            ['IDToken1', 'IDToken1'],
            ['IDToken1[]', 'IDToken1[0]'],
          ]) {
            const body = new URLSearchParams(form)
            body.delete('IDToken1')
            for (const [i, name] of names.entries()) body.append(name, i === 0 ? right : '000000')
            const answer = await rig.ask(
              `POST ${new URL(action).pathname}${new URL(action).search} HTTP/1.1\r\nHost: gw.example.com\r\nOrigin: ${ORIGINS.login}\r\n` +
                `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.toString().length}\r\n${heidi.cookie('login')}\r\n${body.toString()}`,
            )
            noServerError(rig, answer, names.join())
            assert.ok((answer?.status ?? 0) >= 400, names.join())
          }
          await notRaised(rig, heidi, 'a code beside another')
        }),
      'skip-stage': (outer) =>
        withFactors(outer, async (rig) => {
          const client = rig.browser()
          const first = await client.call(`${LOGIN}?authIndexType=level&authIndexValue=2`)
          const half = await client.submitLogin(first, 'ivan', PASSWORDS.ivan)
          assert.match(half.body, /one-time-code/)
          const person = { client, user: 'ivan', cookie: () => '' } as const
          rig.tally.sent += 6
          for (const [page, more] of [
            [half, { IDToken1: '' }],
            [half, { stage: 'password', IDToken1: 'ivan', IDToken2: PASSWORDS.ivan }],
            [half, { stage: 'done', choose: 'password' }],
            [half, { choose: 'module:password' }],
            [first, { IDToken1: 'ivan', IDToken2: PASSWORDS.ivan }],
          ] as const) {
            const answer = await send(person, page, '', more)
            noServerError(rig, answer, JSON.stringify(more))
            assert.equal(answer.location, undefined, JSON.stringify(Object.keys(more)))
            assert.equal(client.cookie('gw.example.com', '__Host-SSOTokenID'), undefined)
          }
        }),
      'enrol-takeover': (outer) =>
        withFactors(outer, async (rig) => {
          const thief = await rig.signIn('judy')
          for (const query of ['', '&ForceAuth=true', '&enrol=totp']) {
            rig.tally.sent++
            const page = await thief.client.call(`${LOGIN}?authIndexType=level&authIndexValue=2${query}`)
            const next = query.includes('Force') ? await thief.client.submitLogin(page, 'judy', PASSWORDS.judy) : page
            assert.match(next.body, /one-time-code/)
            assert.doesNotMatch(next.body, SECRET, 'who has a factor is not offered another')
            const answer = await send(thief, next, '000000', { enrol: 'true', choose: 'totp' })
            noServerError(rig, answer, 'enrol')
            assert.doesNotMatch(answer.body, SECRET)
          }
          await notRaised(rig, thief, 'the password alone')
          // Who has none sets one up with a fresh password only.
          const mallory = await rig.signIn('mallory')
          assert.match((await stepUpPage(mallory)).body, SECRET)
          await rig.shiftClock(5 * 60_000 + 5_000)
          const late = await stepUpPage(mallory)
          assert.doesNotMatch(late.body, SECRET, 'five minutes after the password it is asked again')
          assert.match(late.body, /type="password"/)
        }),
      'disable-needs-reauth': (outer) =>
        withFactors(outer, async (rig) => {
          const owner = await rig.signIn('leo')
          await setUpApp(rig, owner)
          const form = await factorForm(owner)
          const thief = await rig.signIn('leo')
          const attempts = [
            ['/account/factor', { ...form, remove: '1' }],
            ['/account/factor', { ...form, name: 'mine' }],
            ['/account/add', { realm: '/employees', stage: 'totp', IDToken1: '000000' }],
          ] as const
          for (const [path, fields] of attempts) {
            rig.tally.sent++
            const answer = await thief.client.call(ORIGINS.login + path, { form: fields })
            noServerError(rig, answer, path)
            const to = new URL(answer.location ?? '', ORIGINS.login)
            assert.equal(to.pathname, '/login/employees', path)
          }
          const set = await thief.client.call(`${ORIGINS.login}/account/add?realm=/employees&module=totp`)
          assert.match(set.location ?? '', /\/login\/employees/, 'the password alone sets nothing up')
          assert.deepEqual(await factorForm(owner), form, 'the factor is as it was')
          await rig.shiftClock(5 * 60_000 + 5_000)
          const late = await owner.client.call(`${ORIGINS.login}/account/factor`, { form: { ...form, remove: '1' } })
          assert.match(late.location ?? '', /\/login\/employees/, 'five minutes after the code it is asked again')
          assert.deepEqual(await factorForm(owner), form)
        }),
      'secret-leak': (outer) =>
        withFactors(outer, async (rig) => {
          const mia = await rig.signIn('mia')
          const page = await stepUpPage(mia)
          const secret = (SECRET.exec(page.body)?.[1] ?? '').replaceAll(' ', '')
          rig.tally.sent++
          assert.equal((await send(mia, page, code(secret))).status, 303)
          for (const url of [
            `${LOGIN}?ForceAuth=true&authIndexType=module&authIndexValue=totp`,
            `${ORIGINS.login}/account`,
          ]) {
            const later = await mia.client.call(url)
            assert.ok(!later.body.replaceAll(' ', '').includes(secret), url)
          }
          await rig.logged()
          assert.ok(!rig.log().includes(secret))
        }),
      'secret-size': (outer) =>
        withFactors(outer, async (rig) => {
          const nina = await rig.signIn('nina')
          const secrets = new Set<string>()
          for (let i = 0; i < 20; i++) {
            rig.tally.sent++
            secrets.add((SECRET.exec((await stepUpPage(nina)).body)?.[1] ?? '').replaceAll(' ', ''))
          }
          assert.equal(secrets.size, 20)
          for (const secret of secrets) assert.ok(Secret.fromBase32(secret).bytes.length >= 20)
        }),
      'recovery-codes': (outer) =>
        withFactors(
          outer,
          async (rig) => {
            const owner = await rig.signIn('mallory')
            const page = await stepUpPage(owner)
            const secret = (SECRET.exec(page.body)?.[1] ?? '').replaceAll(' ', '')
            const offer = await send(owner, page, code(secret))
            const codes = [...offer.body.matchAll(/<li><code>([^<]+)</g)].map(([, each = '']) => each)
            assert.equal(codes.length, 10)
            for (const each of codes) rig.canaries.add(each)
            const [one = '', two = ''] = codes
            assert.equal((await send(owner, offer, one)).status, 303)

            const askFor = async (person: SignedIn): Promise<Page> =>
              send(person, await stepUpPage(person), '', { choose: 'recovery' })
            const people = await Promise.all([1, 2, 3].map(() => rig.signIn('mallory')))
            const pages = await Promise.all(people.map(askFor))
            rig.tally.sent += 6
            const ends = await Promise.all(people.map((person, i) => send(person, pages[i] ?? page, one)))
            for (const answer of ends) noServerError(rig, answer, 'a recovery code')
            assert.equal(ends.filter(({ status }) => status === 303).length, 1, 'one code, three sessions at once')
            const second = await secondNode(rig)
            try {
              const there = await second.signIn('mallory')
              assert.notEqual((await send(there, await askFor(there), one)).status, 303, 'nor on another node')
            } finally {
              await second.stop()
            }

            const thief = await rig.signIn('mallory')
            const guesses = await Promise.all(Array.from({ length: 30 }, () => askFor(thief)))
            const answers = await Promise.all(
              guesses.map((each, i) => send(thief, each, `0000-0000-0000-${String(i).padStart(4, '0')}`)),
            )
            rig.tally.sent += answers.length
            const judged = answers.filter(({ status }) => status === 401).length
            assert.ok(judged >= 1 && judged <= 6, `${judged} guesses were judged`)
            assert.notEqual((await send(thief, await askFor(thief), two)).status, 303, 'and a right one has to wait')
            await notRaised(rig, thief, 'guessed recovery codes')
          },
          { employees: WITH_RECOVERY },
        ),
      'user-enum': (outer) =>
        withFactors(outer, async (rig) => {
          const pages: Page[] = []
          for (const [name, password] of [
            ['bob', PASSWORDS.bob],
            ['bob', 'wrong'],
            ['nobody', 'wrong'],
          ] as const) {
            const client = rig.browser()
            const page = await client.submitLogin(await client.call(`${ORIGINS.login}/login/both`), name, password)
            assert.match(page.body, /one-time-code/)
            rig.tally.sent++
            pages.push(await send({ client, user: 'bob', cookie: () => '' }, page, '000000'))
          }
          const [right, wrong, unknown] = pages.map((page) => ({
            ...page,
            body: page.body.replaceAll('nobody', 'bob'),
          }))
          assert.ok(right && wrong && unknown)
          twins(rig, right, wrong, 'a right password')
          twins(rig, right, unknown, 'an unknown name')
        }),
    },
  },
  { employees: TOTP_STEP, realms: { both: BOTH_REQUIRED } },
)
