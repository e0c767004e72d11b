import { randomSecret } from '../base/random-id.ts'
import { openUnder, sealUnder } from '../crypto/under-secret.ts'
import { sha256 } from '../crypto/sha256.ts'
import { networkOf } from '../http/network.ts'
import type { Store } from '../store/store.ts'
import type { AccessRequest } from './access-request.ts'
import { isTicket } from './kept-forms.ts'
import type { LoginStates } from './login-state.ts'
import { onlyParameters } from './only-parameters.ts'
import { announcedLength, readBody } from './read-body.ts'
import type { Site } from './site.ts'

/**
 * What a provider has a browser post to a site comes from another site, so the browser leaves out every cookie that ties it to the login
 * that it began (`SameSite=Lax`). Such a post is parked, and taken up by a GET that the site's own page leads to.
 */
export interface ParkedPosts {
  /**
   * Keeps the fields of the request's form for a minute; the ticket that takes them, once. `state`: the field that says which login it is
   * the answer of. Faults with GH_STORE_UNAVAILABLE, GH_KEYS_UNAVAILABLE and GH_REQUEST_TIMEOUT.
   */
  park(request: AccessRequest, state: StateField): Promise<Parking>
  /** The fields, as a form has them; `undefined` where there are none: taken, too old, of another site. */
  take(ticket: string, site: Site): Promise<string | undefined>
}

/** OAuth 2.0 Form Post Response Mode 1.0 §2; SAML Bindings 2.0 §3.5.3. */
export type StateField = 'state' | 'RelayState'

export type Parking =
  | { readonly kind: 'parked'; readonly ticket: string }
  /** `busy`: too much at once, of everybody or of one network. */
  | { readonly kind: 'refused'; readonly reason: 'no-form' | 'too-much' | 'busy' | 'no-login' }

export interface ParkedPostsDeps {
  readonly store: Pick<Store, 'oneTime' | 'counters'>
  readonly loginStates: Pick<LoginStates, 'open'>
}

const NAMESPACE = 'parked-post'
const PURPOSE = 'gatehouse parked post'
const LIFE_MS = 60_000
/** An assertion with the attributes and groups of somebody who is in many of them. */
const MOST_BYTES = 131_072
/** Bytes that are being read at once, by all requests of the process, and by those of one network: who sends slowly keeps nobody else out. */
const MOST_IN_MEMORY = 32 * 1_048_576
const MOST_IN_MEMORY_OF_ONE = 1_048_576
/** Bytes that one network has parked at one site within a minute: logins of a thousand people who sit behind one address. */
const MOST_OF_ONE = 16 * 1_048_576
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

export function createParkedPosts({ store, loginStates }: ParkedPostsDeps): ParkedPosts {
  let inMemory = 0
  const ofNetworks = new Map<string, number>()
  const hold = (network: string, length: number): void => {
    inMemory += length
    const left = (ofNetworks.get(network) ?? 0) + length
    if (left === 0) ofNetworks.delete(network)
    else ofNetworks.set(network, left)
  }

  const read = async ({ raw, site, client }: AccessRequest, length: number): Promise<string | undefined> => {
    const network = networkOf(client.ip)
    const ofOne = ofNetworks.get(network) ?? 0
    if (inMemory + length > MOST_IN_MEMORY || ofOne + length > MOST_IN_MEMORY_OF_ONE) return undefined
    hold(network, length)
    try {
      const key = `parked-posts:${sha256(JSON.stringify([site.agent, network]))}`
      const { count } = await store.counters.add(key, length, LIFE_MS)
      return count > MOST_OF_ONE ? undefined : (await readBody(raw, length)).toString('latin1')
    } finally {
      hold(network, -length)
    }
  }

  return {
    async park(request, state) {
      const { site, raw } = request
      const length = announcedLength(raw)
      const { 'content-type': type, 'content-encoding': encoding } = raw.headers
      if (type === undefined || !FORM.test(type) || encoding !== undefined) return refused('no-form')
      if (length === undefined || length > MOST_BYTES) return refused('too-much')
      const fields = await read(request, length)
      if (fields === undefined) return refused('busy')
      // Of a login that somebody began here: whoever makes up a form writes nothing into the store.
      const login = loginStates.open(onlyParameters(fields)(state) ?? '')
      if (login?.agent !== site.agent) return refused('no-login')
      const ticket = randomSecret()
      const sealed = sealUnder(ticket, PURPOSE, JSON.stringify([site.agent, fields]))
      return (await store.oneTime.put(NAMESPACE, sha256(ticket), sealed, LIFE_MS))
        ? { kind: 'parked', ticket }
        : refused('busy')
    },

    async take(ticket, site) {
      const sealed = isTicket(ticket) ? await store.oneTime.take(NAMESPACE, sha256(ticket)) : undefined
      const plain = sealed && openUnder(ticket, PURPOSE, sealed)
      if (plain === undefined) return undefined
      const [agent, fields] = JSON.parse(plain) as readonly [string, string]
      return agent === site.agent ? fields : undefined
    },
  }
}

function refused(reason: Extract<Parking, { kind: 'refused' }>['reason']): Parking {
  return { kind: 'refused', reason }
}
