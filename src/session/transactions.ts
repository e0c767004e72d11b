import { randomUUID } from 'node:crypto'
import type { AgentId, RealmName } from '../base/brand.ts'
import { sha256 } from '../crypto/sha256.ts'
import type { Store } from '../store/store.ts'
import type { Session } from './session.ts'

/** One request that waits for its user's approval, with everything that the approval is bound to. */
export interface AskedRequest {
  readonly session: Pick<Session, 'sid' | 'realm'>
  readonly agent: AgentId
  readonly method: string
  /** Absolute, as it will be forwarded. */
  readonly url: string
  /** Base64url SHA-256 of the body and of the headers that say how to read it. */
  readonly content: string
  /** What the approval takes, in the words of the policy. */
  readonly requirements: readonly string[]
}

/** What a person is asked to approve. */
export interface Transaction {
  readonly id: string
  readonly realm: RealmName
  /** The session whose user may approve it; nobody else may. */
  readonly sid: string
  readonly agent: AgentId
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly requirements: readonly string[]
}

/** What a login approves when it ends. */
export type Approval = Pick<Transaction, 'id' | 'sid' | 'agent' | 'method' | 'path'>

/**
 * Approvals of single requests. The gateway asks and redeems, the login host approves; both know only the store. Everything rejects with
 * GH_STORE_UNAVAILABLE.
 */
export interface Transactions {
  /** The id of a new transaction, good for three minutes; `undefined` where the session has too many open. */
  ask(request: AskedRequest): Promise<string | undefined>
  /** `undefined`: unknown, too old, or approved already. */
  find(id: string): Promise<Transaction | undefined>
  /** From now on the request may pass, once, within three minutes. False for what `find` does not find, or another session. */
  approve(id: string, session: Pick<Session, 'sid'>): Promise<boolean>
  /**
   * The id of the approval, for exactly one of all callers in all processes; `undefined` where there is none for exactly this request. A
   * client that names the approval it means (`id`) gets that one or none, and leaves every other as it is.
   */
  redeem(request: AskedRequest, id?: string): Promise<string | undefined>
}

/** As OpenAM's transactions by default: time to approve, and time to send what was approved. */
export const TRANSACTION_MS = 180_000
/** Requests of one session that may wait for an approval at a time: each is a record. */
const MOST_OPEN = 60

const ASKED = 'transaction'
/** The approvals themselves: whoever takes one out may pass. */
const APPROVED = 'transaction-approved'
/** Which approval a request has that names none: the last one. */
const LAST_APPROVED = 'transaction-approved-last'

interface Asked extends Omit<Transaction, 'id'> {
  /** What the request will be known by. */
  readonly key: string
  /** The same, however the client spells its query when it adds the transaction to it. */
  readonly respelt: string
}

export function createTransactions({
  versioned,
  oneTime,
  counters,
}: Pick<Store, 'versioned' | 'oneTime' | 'counters'>): Transactions {
  const load = async (id: string) => {
    const found = isId(id) ? await versioned.load(ASKED, id) : undefined
    return found === undefined || found.value === ''
      ? undefined
      : { asked: JSON.parse(found.value) as Asked, version: found.version }
  }
  return {
    async ask(request) {
      const { session, agent, method, url, requirements } = request
      const { sid, realm } = session
      const { count } = await counters.add(`transactions:${sid}`, 1, TRANSACTION_MS)
      if (count > MOST_OPEN) return undefined
      const id = randomUUID()
      const path = new URL(url).pathname
      const keys = { key: keyOf(request), respelt: respeltKeyOf(request) }
      const asked: Asked = { realm, sid, agent, method, path, requirements, ...keys }
      return (await versioned.create(ASKED, id, JSON.stringify(asked), TRANSACTION_MS)) ? id : undefined
    },
    async find(id) {
      const found = await load(id)
      if (found === undefined) return undefined
      const { key: _key, respelt: _respelt, ...asked } = found.asked
      return { id, ...asked }
    },
    async approve(id, { sid }) {
      const found = await load(id)
      if (found?.asked.sid !== sid) return false
      // Spent first: of two pages of one transaction one approves, or a request could pass twice.
      if (!(await versioned.replace(ASKED, id, found.version, '', TRANSACTION_MS))) return false
      const { key, respelt } = found.asked
      await oneTime.put(APPROVED, nameOf(respelt, id), id, TRANSACTION_MS)
      if (!(await oneTime.put(LAST_APPROVED, key, id, TRANSACTION_MS))) {
        await oneTime.take(LAST_APPROVED, key)
        await oneTime.put(LAST_APPROVED, key, id, TRANSACTION_MS)
      }
      return true
    },
    async redeem(request, id) {
      const meant = id ?? (await oneTime.take(LAST_APPROVED, keyOf(request)))
      if (meant === undefined || !isId(meant)) return undefined
      return oneTime.take(APPROVED, nameOf(respeltKeyOf(request), meant))
    },
  }
}

/** An approval is found only by who knows both: the request that it was given for, and its id. */
function nameOf(key: string, id: string): string {
  return `${key} ${id}`
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function isId(text: string): boolean {
  return ID.test(text)
}

/** Another session, site, method, address or body is another request, and so is one that asks for a stronger approval. */
function keyOf({ session, agent, method, url, content, requirements }: AskedRequest): string {
  const wanted = [...requirements].sort()
  return sha256(JSON.stringify(['transaction v1', session.realm, session.sid, agent, method, url, content, wanted]))
}

function respeltKeyOf(request: AskedRequest): string {
  return keyOf({ ...request, url: respelt(request.url) })
}

/** What `%EF%BF%BD` stands for (U+FFFD): any bytes that are no UTF-8. */
const UNREADABLE = '%EF%BF%BD'

/**
 * A browser that adds a parameter to a query writes the whole of it anew (URL Standard §5.2: `%20` becomes `+`). Bytes that are no UTF-8
 * would all become one character, so a query that has such stays as it is.
 */
function respelt(url: string): string {
  const at = url.indexOf('?')
  if (at === -1) return url
  // With its question mark: of two, the second is part of a name, and the constructor takes the first one off.
  const query = new URLSearchParams(url.slice(at)).toString()
  if (query.includes(UNREADABLE)) return url
  return query === '' ? url.slice(0, at) : `${url.slice(0, at)}?${query}`
}
