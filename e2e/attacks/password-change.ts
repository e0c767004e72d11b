import { hashSync } from '@node-rs/argon2'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RealmName } from '../../src/base/brand.ts'
import { addManagedUsers } from '../managed-users.ts'
import type { Browser, Page } from './browser.ts'
import { changeLive } from './live-config.ts'
import { ORIGINS } from './rig-config.ts'
import type { Rig } from './rig.ts'

const OLD = 'kept-canary-9b1f-old-password'
const NEXT = 'kept-canary-9b1f-new-password'
const PAGE = `${ORIGINS.login}/account/password`

/** A realm whose passwords are changed here, and eve in it. */
async function addRealm(rig: Rig): Promise<void> {
  await changeLive(rig, { 'realms/kept/realm.yaml': 'directory: { type: managed }\n' })
  const place = {
    path: join(rig.root, 'data/cts.db'),
    masterKey: readFileSync(join(rig.root, 'data/master.key'), 'utf8'),
    realm: '/kept' as RealmName,
  }
  const password = hashSync(OLD, { memoryCost: 8, timeCost: 1, parallelism: 1 })
  await addManagedUsers(place, [{ username: 'eve', password }])
}

/** Whoever has a session changes nothing without the password; whoever has both ends all other sessions with it. */
export async function passwordChange(rig: Rig): Promise<void> {
  for (const secret of [OLD, NEXT]) rig.canaries.add(secret)
  await addRealm(rig)
  const signIn = async (password: string): Promise<{ readonly client: Browser; readonly page: Page }> => {
    const client = rig.browser()
    rig.tally.sent++
    const page = await client.submitLogin(await client.call(`${ORIGINS.login}/login/kept`), 'eve', password)
    return { client, page }
  }
  const isSignedIn = async ({ client }: { readonly client: Browser }): Promise<boolean> => {
    rig.tally.checks++
    return (await client.call(`${ORIGINS.login}/account?realm=/kept`)).status === 200
  }
  const [owner, thief, third] = [await signIn(OLD), await signIn(OLD), await signIn(OLD)]
  const change = ({ client }: typeof owner, current: string, headers?: Readonly<Record<string, string>>) =>
    client.call(PAGE, {
      form: { realm: '/kept', current, new: NEXT, again: NEXT },
      ...(headers === undefined ? {} : { headers }),
    })
  for (const guess of ['', 'wrong', NEXT])
    assert.equal((await change(thief, guess)).status, 401, 'without the password')
  const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal((await change(owner, OLD, elsewhere)).status, 403, 'from a page of another site')
  assert.deepEqual(await Promise.all([owner, thief, third].map(isSignedIn)), [true, true, true])
  // Two changes of one password at once: the first ends the session of the second, or the password is not right any more.
  const both = await Promise.all([change(owner, OLD), change(owner, OLD)])
  assert.equal(both.filter(({ location }) => location?.includes('changed=1')).length, 1)
  assert.deepEqual(await Promise.all([owner, thief, third].map(isSignedIn)), [true, false, false])
  assert.equal((await change(thief, NEXT)).status, 303, 'an ended session is asked to sign in')
  assert.notEqual((await signIn(OLD)).page.status, 303, 'the old password opens nothing')
  assert.equal((await signIn(NEXT)).page.status, 303)
}
