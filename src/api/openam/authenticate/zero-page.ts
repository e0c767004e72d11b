import type { IncomingMessage } from 'node:http'
import { asksSomething, type ProgramStep } from '../../../authn/step.ts'
import type { ZeroPageRules } from './zero-page.schema.ts'

/** Name and secret in the headers of one call, so that no page has to be answered. */
export interface ZeroPage {
  readonly name: string
  readonly secret: string | undefined
}

/** `undefined` where no name is sent, or one cannot be read. */
export function zeroPageOf({ headers }: Pick<IncomingMessage, 'headers'>): ZeroPage | undefined {
  const [name, secret] = [headers['x-openam-username'], headers['x-openam-password']].map(readHeader)
  return name === undefined ? undefined : { name, secret }
}

const ENCODED = /^=\?utf-8\?b\?([A-Za-z0-9+/]{1,4000}={0,2})\?=$/i

/** As it stands, or as one encoded word in UTF-8 (RFC 2047 §2), which is how clients send what is beyond ASCII. */
function readHeader(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const word = ENCODED.exec(value)?.[1]
  return word === undefined ? value : Buffer.from(word, 'base64').toString('utf8')
}

/** The same, where the realm lets the call do so. The secret may be empty, which is nobody's. */
export function allowedZeroPage(
  request: Pick<IncomingMessage, 'headers'>,
  { enabled, referers, allowedWithoutReferer }: ZeroPageRules,
): Required<ZeroPage> | undefined {
  const sent = enabled ? zeroPageOf(request) : undefined
  if (sent?.secret === undefined) return undefined
  const { referer } = request.headers
  const origin = referer === undefined ? undefined : URL.parse(referer)?.origin
  const isAllowed = referer === undefined ? allowedWithoutReferer : referers.includes(origin ?? '')
  return isAllowed ? { name: sent.name, secret: sent.secret } : undefined
}

/** The answers to a step that asks for one name and one password, whatever else may be answered instead; `undefined` for any other. */
export function answersOf(
  { callbacks }: Extract<ProgramStep, { readonly kind: 'ask' }>,
  { name, secret }: ZeroPage,
): readonly string[] | undefined {
  const asking = callbacks.filter(asksSomething)
  const names = asking.filter((each) => each.type === 'NameCallback')
  const secrets = asking.filter((each) => each.type === 'PasswordCallback')
  const isCode = names.some(({ oneTimeCode, recoveryCode }) => oneTimeCode === true || recoveryCode === true)
  const isPlain = !isCode && secrets.every(({ isNew }) => isNew !== true)
  if (!isPlain || names.length !== 1 || secrets.length !== 1) return undefined
  return asking.map(({ type }) => (type === 'NameCallback' ? name : type === 'PasswordCallback' ? (secret ?? '') : ''))
}
