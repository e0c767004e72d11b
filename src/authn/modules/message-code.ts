import { randomInt, timingSafeEqual } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { randomName } from '../../base/random-id.ts'
import { usernameKey } from '../../base/username-key.ts'
import type { JsonValue } from '../../crypto/seal.ts'
import { sha256 } from '../../crypto/sha256.ts'
import { fault } from '../../errors.ts'
import { networkOf } from '../../http/network.ts'
import type { User } from '../../identity/directory.ts'
import { codeLetter, codeMessage } from '../../identity/mail/letters.ts'
import type { Messenger } from '../../identity/mail/messenger.ts'
import { wordingFor } from '../../identity/mail/texts.ts'
import type { AttemptOutcome } from '../../identity/throttle.ts'
import type { EmailConfig, SmsConfig } from './message-code.schema.ts'
import type {
  AuthModule,
  AuthModuleDeps,
  AuthModuleInput,
  AuthModuleType,
  FailureReason,
  ModuleOutcome,
} from './module.ts'

const DIGITS = 8
const MINUTES = 5
const LIFE_MS = MINUTES * 60_000
/** Guesses at one code; after that a new one has to be sent. */
const GUESSES = 5
const WINDOW_MS = 15 * 60_000
/** Codes that one network may ask for in the window, whoever for: behind one address may be a whole school. */
const SENDS_OF_NETWORK = 100
/** Answers are given at multiples of this: sending to somebody takes longer than sending to nobody (user enumeration by time). */
const BEAT_MS = 500

/** A code by mail. A second factor. */
export const emailModule: AuthModuleType<EmailConfig> = {
  type: 'email',
  compile: (name, config, deps) =>
    compileCode(name, config, { deps, messenger: deps.messengers.mail, compose: codeLetter }),
}

/** The same by text message. */
export const smsModule: AuthModuleType<SmsConfig> = {
  type: 'sms',
  compile: (name, config, deps) =>
    compileCode(name, config, { deps, messenger: deps.messengers.sms, compose: codeMessage }),
}

interface Way {
  readonly deps: AuthModuleDeps
  readonly messenger: Messenger | undefined
  readonly compose: typeof codeLetter
}

interface Compiled extends Way {
  readonly name: string
  readonly config: EmailConfig | SmsConfig
  readonly messenger: Messenger
}

function compileCode(name: string, config: EmailConfig | SmsConfig, way: Way): AuthModule {
  const { type, authLevel } = config
  const { messenger } = way
  if (messenger === undefined) {
    const missing = type === 'email' ? 'mail' : 'sms'
    throw fault('GH_CONFIG_INVALID', { detail: `module ${name} needs \`${missing}\` in gatehouse.yaml` })
  }
  const compiled = { ...way, name, config, messenger }
  return {
    name,
    type,
    use: 'second',
    authLevel,
    standing: 'given',
    isEnrolled: (user) => Promise.resolve(addressOf(user, config) !== undefined),
    process: (input) => (input.answers === undefined ? ask(input, compiled) : check(input, input.answers, compiled)),
  }
}

function addressOf({ attributes }: User, { attribute }: EmailConfig | SmsConfig): string | undefined {
  return Object.hasOwn(attributes, attribute) ? attributes[attribute]?.[0] : undefined
}

/** Sends a code, if none was sent yet in this login. For nobody it takes as long, and says and counts the same. */
async function ask(input: AuthModuleInput, compiled: Compiled): Promise<ModuleOutcome> {
  if (input.state !== undefined) return page(input.state, compiled)
  const { deps, config } = compiled
  const code = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
  const began = performance.now()
  const permission = await maySend(input, compiled)
  if (permission === 'refused') return page(sealCode(deps, config.type, input.user, ''), compiled, 'sent-too-often')
  const recipient = permission === 'granted' ? input.user : undefined
  // Whoever has no address that works, or a service that cannot be asked beforehand: said, it would tell that the password was right.
  const isHidden = !input.mayTell && recipient !== undefined
  const [wasSent, works] = await Promise.all([
    send(input, recipient, { code, ...compiled }),
    isHidden ? compiled.messenger.probe() : false,
  ])
  const isSilent = wasSent || works
  await pause(BEAT_MS - ((performance.now() - began) % BEAT_MS))
  // What was not sent is no code: nobody shall guess it.
  const sealed = wasSent && permission === 'granted' ? code : UNSENT
  const state = sealCode(deps, config.type, input.user, isSilent ? sealed : '')
  return page(state, compiled, isSilent ? undefined : 'not-sent')
}

function page(
  state: JsonValue,
  { deps, config: { type } }: Compiled,
  failure?: 'not-sent' | 'sent-too-often',
): ModuleOutcome {
  const wasSent = openCode(deps, state)?.code !== ''
  return {
    kind: 'ask',
    callbacks: [
      { type: 'NameCallback', prompt: 'code', oneTimeCode: true },
      ...(wasSent ? [{ type: 'TextOutputCallback', message: `code.${type}` } as const] : []),
      { type: 'ResendCallback' },
    ],
    state,
    ...(failure === undefined ? {} : { failure }),
  }
}

async function send(
  { origin }: AuthModuleInput,
  user: User | undefined,
  { code, deps, config, messenger, compose }: Compiled & { readonly code: string },
): Promise<boolean> {
  const to = user && addressOf(user, config)
  if (user === undefined || to === undefined) return messenger.probe()
  const wording = wordingFor(origin.language, user.attributes['preferredLanguage']?.[0])
  const letter = compose(wording, { realm: deps.title, user: user.username, code, minutes: MINUTES })
  return messenger.send({ ...letter, to })
}

/** No code of eight digits. */
const UNSENT = 'unsent'

/**
 * Counts one more code, so that nobody's mailbox is flooded from here: for the account from this network, whoever asks and whether the
 * password was right, and for the network. What has really been sent to the account or the address, from wherever, counts as well, but
 * shows to nobody: `pretended`. So a stranger without the password keeps no code from the owner, and learns nothing of it either.
 */
async function maySend(
  { user, suggestion, origin }: AuthModuleInput,
  { deps, config, name }: Compiled,
): Promise<'granted' | 'refused' | 'pretended'> {
  const { sends } = config
  const count = async (most: number, ...parts: readonly string[]): Promise<boolean> => {
    const key = `code-sent:${sha256(JSON.stringify([deps.directory.realm, name, ...parts]))}`
    return (await deps.counters.add(key, 1, WINDOW_MS)).count <= most
  }
  const account = usernameKey(user?.username ?? suggestion ?? '')
  const network = networkOf(origin.clientIp)
  const isGranted = await Promise.all([
    count(sends, 'account and network', account, network),
    count(SENDS_OF_NETWORK, 'network', network),
  ])
  if (isGranted.includes(false)) return 'refused'
  const to = user && addressOf(user, config)
  if (to === undefined) return 'granted'
  const isSent = await Promise.all([count(sends, 'account', account), count(2 * sends, 'address', to)])
  return isSent.includes(false) ? 'pretended' : 'granted'
}

interface SealedCode {
  readonly type: string
  readonly userId: string
  /** Under which its guesses are counted. */
  readonly id: string
  /** Empty when it could not be sent. */
  readonly code: string
}

/** Bound to the user and the type; the journey that keeps it is bound to the browser. */
function sealCode({ sealer }: AuthModuleDeps, type: string, user: User | undefined, code: string): JsonValue {
  return sealer.seal('journey', [type, user?.id ?? '', randomName(), code], LIFE_MS)
}

/** `undefined` once it is too old. */
function openCode({ sealer }: AuthModuleDeps, state: JsonValue | undefined): SealedCode | undefined {
  const opened = typeof state === 'string' ? sealer.open('journey', state) : undefined
  if (!Array.isArray(opened) || opened.length !== 4) return undefined
  const [type = '', userId = '', id = '', code = ''] = opened as readonly string[]
  return { type, userId, id, code }
}

async function check(
  { user, origin, state }: AuthModuleInput,
  [answer = '']: readonly string[],
  { deps, config, name }: Compiled,
): Promise<ModuleOutcome> {
  const typed = answer.slice(0, 32).replaceAll(/\s/g, '')
  // Whoever is nobody yet gets the answer of a wrong code.
  if (user === undefined) return { kind: 'again', reason: 'unknown-user', username: undefined }
  const { username } = user
  if (!/^\d{8}$/.test(typed)) return { kind: 'again', reason: 'incomplete', username }
  const reservation = await deps.throttle.reserve({ username, clientIp: origin.clientIp, factor: name })
  if (reservation.kind === 'throttled') return { ...reservation, username }
  let outcome: AttemptOutcome = 'not-judged'
  let reason: FailureReason | undefined
  try {
    reason = await judge(deps, { type: config.type, userId: user.id, state, typed })
    outcome = reason === undefined ? 'passed' : 'failed'
  } finally {
    await reservation.settle(outcome)
  }
  return reason === undefined ? { kind: 'passed', user } : { kind: 'again', reason, username }
}

interface Typed {
  readonly type: string
  readonly userId: string
  readonly state: JsonValue | undefined
  readonly typed: string
}

/** Why the code is not taken; each guess and each use is counted where all processes count. */
async function judge(deps: AuthModuleDeps, { type, userId, state, typed }: Typed): Promise<FailureReason | undefined> {
  const sealed = openCode(deps, state)
  if (sealed?.type !== type || sealed.userId !== userId) return 'wrong-code'
  const guess = await deps.counters.add(`code-guessed:${sealed.id}`, 1, LIFE_MS)
  if (guess.count > GUESSES || !sameText(typed, sealed.code)) return 'wrong-code'
  const use = await deps.counters.add(`code-used:${sealed.id}`, 1, LIFE_MS)
  return use.count === 1 ? undefined : 'used-code'
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
