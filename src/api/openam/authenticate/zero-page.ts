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

const WORD = /^=\?utf-8\?([bq])\?([!->@-~]{0,4000})\?=$/i
const LONGEST = 8_000

/** As it stands, or as encoded words in UTF-8 (RFC 2047 §2), which is how clients send what is beyond ASCII. */
function readHeader(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST) return undefined
  const words = value.split(/[ \t]+/).map((each) => WORD.exec(each))
  const bytes = words.map((word) => word && decodedWord(word[1] ?? '', word[2] ?? ''))
  // Space between encoded words is none of the text (RFC 2047 §6.2).
  return bytes.every((each) => each !== null) ? Buffer.concat(bytes).toString('utf8') : value
}

function decodedWord(encoding: string, text: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(text, 'base64')
  const plain = text.replaceAll('_', ' ').replaceAll(/=([\dA-F]{2})/gi, (_, hex: string) => fromHex(hex))
  return Buffer.from(plain, 'latin1')
}

function fromHex(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
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
