import type { Socket } from 'node:net'
import { BerWriter, Client, PasswordPolicyControl, type Entry, type Filter } from 'ldapts'
import type { PasswordPolicyValue } from 'ldapts'
import { asFailure, RESULT, resultCode, ServerFailure } from './failure.ts'

export interface Search {
  readonly base: string
  /** `base`: the entry itself; no entry when it is not there. */
  readonly scope: 'base' | 'one' | 'sub'
  readonly filter: Filter
  readonly attributes: readonly string[]
  /** Attributes to read as bytes. */
  readonly binary?: readonly string[]
  /** Reading stops when there are more; one more than this many then says so. */
  readonly atMost: number
}

/** What a server says of a name and a password, or of a change of one. */
export interface PasswordAnswer {
  /** RFC 4511 §4.1.9; 0 is success. */
  readonly code: number
  readonly message: string
  /** What the password policy adds, where the server has one (draft-behera-ldap-password-policy-10 §6.2). */
  readonly policy: PasswordPolicyValue | undefined
}

/** One conversation with one server, over one socket: it never connects a second time. */
export interface LdapConnection {
  /** Whether the server can still hear us. */
  isOpen(): boolean
  /** Rejects with ServerFailure when there is no answer, and with GH_DIRECTORY_UNAVAILABLE when the answer is a refusal. */
  search(search: Search): Promise<readonly Entry[]>
  bind(dn: string, password: string): Promise<PasswordAnswer>
  /** Changes the password of whom the connection is bound as: Password Modify (RFC 3062 §2). Rejects like `bind`. */
  changePassword(old: string, next: string): Promise<PasswordAnswer>
  close(): void
}

const PAGE_SIZE = 500
const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1'

export function createConnection(socket: Socket, timeoutMs: number): LdapConnection {
  let used = false
  const client = new Client({
    url: 'ldap://connected',
    timeout: timeoutMs,
    // The client would open another connection by itself when this one has closed: in the clear, and as nobody.
    createConnection: () => {
      if (used || socket.destroyed) throw new ServerFailure('the server has closed the connection')
      used = true
      return socket
    },
  })
  return {
    isOpen: () => !socket.destroyed && socket.writable && socket.readable,

    async search(search) {
      try {
        return await readPages(client, search, timeoutMs)
      } catch (error) {
        if (search.scope === 'base' && resultCode(error) === RESULT.noSuchObject) return []
        throw asFailure(error, 'a search failed')
      }
    },

    bind: (dn, password) => answerTo('a bind', (control) => client.bind(dn, password, control)),
    changePassword: (old, next) =>
      answerTo('changing a password', (control) => client.exop(PASSWORD_MODIFY, modifyValue(old, next), control)),

    close: () => void socket.on('error', () => undefined).destroy(),
  }
}

async function answerTo(
  what: string,
  ask: (control: PasswordPolicyControl) => Promise<unknown>,
): Promise<PasswordAnswer> {
  const control = new PasswordPolicyControl()
  try {
    await ask(control)
    return { code: 0, message: '', policy: control.value }
  } catch (error) {
    const code = resultCode(error)
    if (code === undefined) throw asFailure(error, `${what} failed`)
    return { code, message: error instanceof Error ? error.message : '', policy: control.value }
  }
}

/** Names nobody: what it changes is the password of whom the connection is bound as, and the old one has to be right once more. */
function modifyValue(old: string, next: string): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeString(old, 0x81)
  writer.writeString(next, 0x82)
  writer.endSequence()
  return writer.buffer
}

/** No size limit is asked for: what a server cuts off would look like all there is. References to other servers are not followed. */
async function readPages(client: Client, search: Search, timeoutMs: number): Promise<readonly Entry[]> {
  const { base, scope, filter, attributes, binary = [], atMost } = search
  const pages = client.searchPaginated(base, {
    scope,
    filter,
    attributes: [...attributes],
    explicitBufferAttributes: [...binary],
    derefAliases: 'never',
    timeLimit: Math.ceil(timeoutMs / 1_000),
    paged: { pageSize: Math.min(PAGE_SIZE, atMost + 1) },
  })
  const entries: Entry[] = []
  for await (const { searchEntries } of pages) {
    entries.push(...searchEntries)
    if (entries.length > atMost) break
  }
  return entries.slice(0, atMost + 1)
}
