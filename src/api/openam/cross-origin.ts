import type { IncomingMessage } from 'node:http'
import type { RealmName } from '../../base/brand.ts'
import type { HeaderRecord } from '../../http/respond.ts'
import type { Address } from './address.ts'
import { FORBIDDEN, ok, type Reply } from './reply.ts'

/** The sites whose pages may call, by their exact origins, with the realm that each belongs to. */
export type PageOrigins = ReadonlyMap<string, RealmName>

/** A page of another origin that may call. */
export interface Page {
  readonly origin: string
  readonly realm: RealmName
}

/**
 * The page behind a request, where its site was told that it may call. `undefined` for pages of the login host itself, for programs, and
 * for everybody else: they get no header that would let script read an answer (Fetch Standard, CORS protocol).
 */
export function pageOf({ headers }: Pick<IncomingMessage, 'headers'>, pages: PageOrigins): Page | undefined {
  const { origin, 'sec-fetch-site': from, 'sec-fetch-mode': mode } = headers
  const realm = origin === undefined ? undefined : pages.get(origin)
  if (origin === undefined || realm === undefined) return undefined
  // From another site no cookie of ours would come along; and neither forms nor images are script that asked first.
  const isScript = (from === undefined || from === 'same-site') && (mode === undefined || mode === 'cors')
  return isScript ? { origin, realm } : undefined
}

/** What a page may do with the session of its browser. Other people's sessions are not for script, whoever is signed in. */
const ACTIONS: ReadonlySet<string | undefined> = new Set([
  'validate',
  'isActive',
  'getTimeLeft',
  'getIdle',
  'getMaxSessionTime',
  'getMaxIdle',
  'getSessionInfo',
  'getSessionInfoAndResetIdleTime',
  'refresh',
  'logout',
  'getSessionProperties',
  'getPropertyNames',
  'getProperty',
])

interface Called {
  readonly address: Address
  readonly action: string | undefined
}

/** What a page is answered before anybody looks at its call: the preflight, or that it may not make this one. */
export function settledFor(
  page: Page,
  { method = '', headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  called: Called,
): Reply | undefined {
  const asked = method === 'OPTIONS' ? headers['access-control-request-method'] : undefined
  if (!mayCall(page, asked ?? method, called)) return FORBIDDEN
  return asked === undefined ? undefined : PREFLIGHT
}

function mayCall({ realm }: Page, method: string, { address, action }: Called): boolean {
  if (address.realm !== realm) return false
  switch (address.resource) {
    case 'authenticate':
      return method === 'POST'
    case 'serverinfo':
      return method === 'GET'
    case 'users':
      return method === 'POST' && action === 'idFromSession'
    case 'sessions':
      return method === 'POST' && address.id === undefined && ACTIONS.has(action)
    default:
      return false
  }
}

/** What ForgeRock's SDKs send. A header that carries a token is not among it: script has none to send. */
const HEADERS = 'accept-api-version, content-type, x-requested-platform, x-requested-with'

/** Seconds that a browser may go by the answer to a preflight. */
const PREFLIGHT_LIFE = '600'

const PREFLIGHT: Reply = {
  ...ok({}),
  headers: {
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': HEADERS,
    'access-control-max-age': PREFLIGHT_LIFE,
  },
}

/** On every answer to a page that may call, refusals included: the script is to know what was wrong. */
export function readableBy({ origin }: Page): HeaderRecord {
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }
}
