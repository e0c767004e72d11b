import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import type * as ldapts from 'ldapts'
import { z } from 'zod'
import { duration } from '../../base/duration.schema.ts'
import { pemCertificates } from '../../base/pem.schema.ts'
import { loadNow } from '../../errors.ts'
import { parseDn } from './distinguished-name.ts'

const serverUrl = z.string().refine((text) => {
  const url = URL.parse(text)
  const plain = url !== null && (url.protocol === 'ldap:' || url.protocol === 'ldaps:') && url.hostname !== ''
  return plain && /^ldaps?:\/\/[^/?#@]+\/?$/.test(text)
}, 'write ldaps://host, ldaps://host:port or ldap://host:port')

const dn = z.string().refine((text) => (parseDn(text)?.length ?? 0) > 0, 'this is no distinguished name (RFC 4514)')

const filter = z
  .string()
  .startsWith('(', 'write the filter in parentheses: (objectClass=person)')
  .refine(isFilter, 'this is no LDAP filter (RFC 4515)')
  // The parser takes each escaped byte for a character.
  .refine((text) => !/\\[89a-f][0-9a-f]/i.test(text), 'write the character itself instead of its bytes')

/** An attribute's name (RFC 4512 §2.5), without options. `dn` is what clients call the entry's own name. */
const attribute = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$|^\d+(\.\d+)+$/, 'write the name of an attribute')
  .refine((name) => name.toLowerCase() !== 'dn', 'an entry has no attribute of this name')

function isFilter(text: string): boolean {
  // The parser does not miss the last one.
  if (text.split('(').length !== text.split(')').length) return false
  // Loaded for the first filter: most configurations have none.
  const { FilterParser } = loadNow('LDAP filters', () => createRequire(import.meta.url)('ldapts') as typeof ldapts)
  try {
    FilterParser.parseString(text)
    return true
  } catch {
    // The parser tells what is no filter by throwing.
    return false
  }
}

const tlsSchema = z
  .strictObject({
    ca: pemCertificates
      .optional()
      .describe(
        "PEM certificates of the authorities that signed the servers', as `${file:…}`; the system's without it.",
      ),
    startTLS: z
      .boolean()
      .default(true)
      .describe(
        '`ldap://` servers are asked for TLS (StartTLS) before anything else is said; one that refuses is not used. `false` only for servers on loopback.',
      ),
  })
  .prefault({})
  .describe("The servers' certificates must be valid and carry the host's name; this cannot be switched off.")

const usersSchema = z.strictObject({
  base: dn.describe('Where the users are: the entry below which they are searched.'),
  scope: z
    .enum(['sub', 'one'])
    .default('sub')
    .describe('`sub`: at any depth below the base. `one`: directly below it only.'),
  filter: filter
    .default('(objectClass=person)')
    .describe(
      'Which entries are users who may sign in. It holds no place for the name: that is added as a value, which cannot change the filter. Whoever stops to match is no user any more, and their sessions end.',
    ),
  loginAttributes: z
    .array(attribute)
    .min(1)
    .max(4)
    .default(['uid'])
    .describe(
      'What people may type as their name: any of these. Active Directory: `sAMAccountName`, `userPrincipalName`.',
    ),
  usernameAttribute: attribute
    .default('uid')
    .describe("The attribute whose one value is the user's name in sessions, policies and headers."),
  idAttribute: attribute
    .default('entryUUID')
    .describe(
      'The attribute whose one value never changes and is never given to somebody else. `objectGUID` is read in its binary form.',
    ),
  attributes: z
    .record(z.string().regex(/^[A-Za-z][\w-]{0,63}$/, 'use letters, digits, - and _'), attribute)
    .prefault({ displayName: 'displayName', mail: 'mail' })
    .describe('Attributes of the user: the name that headers and pages know, and the attribute of the entry.'),
})

const groupsSchema = z.strictObject({
  from: z
    .enum(['member', 'memberUid', 'memberOf', 'inChain'])
    .describe(
      "`member`: groups that list the user's DN. `memberUid`: POSIX groups that list the user's name, or whose `gidNumber` is the user's. `memberOf`: groups that the user's entry lists. `inChain`: Active Directory works out nested groups itself.",
    ),
  base: dn.describe('Only groups below this entry count.'),
  filter: filter.default('(objectClass=*)').describe('Which entries are groups.'),
  nameAttribute: attribute.default('cn').describe('The attribute whose value is the name that policies use.'),
  memberAttribute: attribute
    .default('member')
    .describe('For `member`: the attribute that lists members; `uniqueMember` for groupOfUniqueNames.'),
  nested: z
    .boolean()
    .default(false)
    .describe('Whether members of a group in a group are members of both; for `member` and `memberOf`.'),
  depth: z
    .number()
    .int()
    .min(1)
    .max(20)
    .default(5)
    .describe('How many groups deep. What is nested deeper does not count; a group that holds itself does no harm.'),
  max: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Most groups of one user. Somebody with more cannot sign in: groups left out could be those that deny.'),
})

export const ldapSchema = z
  .strictObject({
    type: z.literal('ldap').describe('Users and groups of an LDAP server. There is no `users.yaml` then.'),
    servers: z
      .array(serverUrl.describe('`ldaps://host[:port]` or `ldap://host[:port]`.'))
      .min(1)
      .max(8)
      .describe('Servers with the same content, the preferred one first; the next is asked when one fails.'),
    tls: tlsSchema,
    bind: z
      .strictObject({
        dn: dn.describe('The account that searches. It needs to read, and nothing else.'),
        password: z.string().min(1).describe('Its password; only through `${file:…}` or `${env:…}`.'),
      })
      .describe('Who searches.'),
    users: usersSchema.describe('How a user is found and read.'),
    groups: groupsSchema.optional().describe('How the groups of a user are found; without it users have none.'),
    passwordChange: z
      .enum(['none', 'passwordModify'])
      .default('none')
      .describe(
        '`passwordModify`: people change their own password, where they must at the login (after a reset, or with a login that the server grants for it) and else on the account page, by Password Modify (RFC 3062) as themselves. The server must allow it; its rules hold beside `passwords` of the realm. Active Directory has no such operation.',
      ),
    connectTimeout: duration('2s').describe('How long connecting to a server may take, TLS included.'),
    timeout: duration('5s').describe('How long a login or a look-up may take in all; later it is a fault.'),
    connections: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(4)
      .describe('Most connections of each process for searching, and as many again that check passwords.'),
    refresh: duration('30s').describe(
      'A user who is at work is read again when the last answer is older, in the background.',
    ),
    maxAge: duration('1m').describe(
      'An answer that is older is never used: requests wait for a new one, and get 503 while no server answers. At the latest after this time a change counts.',
    ),
    cachedUsers: z.number().int().min(1).max(1_000_000).default(10_000).describe('Most users that are remembered.'),
  })
  .refine(({ refresh, maxAge }) => refresh >= 1_000 && maxAge >= refresh, {
    path: ['maxAge'],
    message: 'refresh is 1s at least, and maxAge is not shorter than refresh',
  })
  .superRefine(({ servers, tls }, context) => {
    servers.forEach((server, index) => {
      if (tls.startTLS || !server.startsWith('ldap:') || isLoopback(server)) return
      const message = 'passwords would pass in the clear: use ldaps://, or tls.startTLS'
      context.addIssue({ code: 'custom', path: ['servers', index], message })
    })
  })

function isLoopback(server: string): boolean {
  const host = URL.parse(server)?.hostname.replace(/^\[|\]$/g, '') ?? ''
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

export type LdapConfig = z.output<typeof ldapSchema>
