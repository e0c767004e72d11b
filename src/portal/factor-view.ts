import type { Holdings, OwnFactor, SetUpPage } from '../authn/own-factors.ts'
import type { Session } from '../session/session.ts'
import type { Frame, Pairs } from './frame.ts'
import { withQuery, type LoginRequest } from './login-request.ts'
import { loginView } from './login-view.ts'
import { en, type MessageKey } from './messages/en.ts'
import { sayAgo, sayInstant } from './messages/language.ts'
import type { CompiledRealm } from './realms.ts'

/** Where one factor is named and removed, and where another is set up. */
export const FACTOR_PATH = '/account/factor'
export const SET_UP_PATH = '/account/add'

/** The section of the account page; `undefined` where the realm has nothing to set up and the person nothing to show. */
export function factorsView(frame: Frame, { factors, addable }: Holdings, realm: CompiledRealm, now: number) {
  if (factors.length === 0 && addable.length === 0) return undefined
  return {
    title: frame.say('factors.title'),
    none: factors.length === 0 ? frame.say('factors.none') : undefined,
    rows: factors.map((factor) => {
      const name = nameOf(frame, factor)
      return {
        name,
        about: aboutOf(frame, factor, now),
        change: factor.declared
          ? undefined
          : {
              href: factorUrl(realm, factor.id),
              label: frame.say('factors.change'),
              title: frame.say('factors.change-name', { name }),
            },
      }
    }),
    add: addable.map(({ module, type, replaces }) => {
      const isNew = !replaces || factors.every((factor) => factor.type !== type)
      const label = frame.say(isNew ? 'factors.add' : 'factors.renew', { factor: typeName(frame, type) })
      return { href: setUpUrl(realm, module), label }
    }),
  }
}

export interface FactorViewInput {
  readonly realm: CompiledRealm
  readonly factor: OwnFactor
  /** It was set up a moment ago. */
  readonly isNew: boolean
  readonly now: number
}

/** Everything `factor.eta` shows. */
export function factorView(frame: Frame, { realm, factor, isNew, now }: FactorViewInput): object {
  const heading = frame.say('factor.title', { name: nameOf(frame, factor) })
  return {
    title: heading,
    heading,
    about: [typeName(frame, factor.type), ...aboutOf(frame, factor, now)],
    notice: isNew ? { text: frame.say('factor.new'), link: undefined } : undefined,
    action: FACTOR_PATH,
    keep: [...realmPairs(realm), ['factor', factor.id]],
    name: factor.name,
    warning: factor.isLast ? frame.say('factor.last') : undefined,
    back: accountAt(realm),
  }
}

export interface SetUpViewInput {
  readonly realm: CompiledRealm
  readonly session: Session
  readonly page: SetUpPage
  readonly host: string
}

/** Everything `login.eta` shows where a factor is set up: the same page as at a login, with another address. */
export function setUpView(frame: Frame, { realm, session, page, host }: SetUpViewInput): object {
  const demand = { level: undefined, force: true }
  const destination = { goto: undefined, handshake: undefined }
  const asked: LoginRequest = {
    realm,
    demand,
    misunderstood: false,
    demanding: [],
    destination,
    site: undefined,
    client: undefined,
    refused: undefined,
    pairs: [],
  }
  const step = {
    kind: 'ask',
    authId: page.state,
    realm: realm.name,
    stage: page.module,
    callbacks: page.callbacks,
    enrols: true,
    others: [],
    username: session.username,
    failure: page.kind === 'again' ? 'wrong-code' : undefined,
    retryAfterSeconds: undefined,
    destination,
  } as const
  const input = {
    asked,
    step,
    session,
    sessionRealm: '',
    notice: undefined,
    typed: [],
    lastProvider: undefined,
    requestId: '',
    host,
  }
  return {
    ...loginView(frame, input),
    action: withQuery(SET_UP_PATH, realmPairs(realm)),
    notice: undefined,
    cancel: { href: accountAt(realm), label: frame.say('login.cancel') },
    requestId: undefined,
  }
}

export function factorUrl(realm: CompiledRealm, factor: string, more: Pairs = []): string {
  return withQuery(FACTOR_PATH, [...realmPairs(realm), ['factor', factor], ...more])
}

export function setUpUrl(realm: CompiledRealm, module: string): string {
  return withQuery(SET_UP_PATH, [...realmPairs(realm), ['module', module]])
}

function accountAt(realm: CompiledRealm): string {
  return withQuery('/account', realmPairs(realm))
}

function realmPairs({ name }: CompiledRealm): Pairs {
  return [['realm', name]]
}

function aboutOf(frame: Frame, factor: OwnFactor, now: number): readonly string[] {
  const { createdAt, lastUsedAt, declared, left, until } = factor
  const ago = (at: number): string => sayAgo(frame.language, now - at)
  return [
    declared ? frame.say('factor.declared') : frame.say('factor.added', { ago: ago(createdAt) }),
    ...(lastUsedAt === undefined ? [] : [frame.say('factor.used', { ago: ago(lastUsedAt) })]),
    ...(until === undefined ? [] : [frame.say('factor.until', { until: sayInstant(frame.language, until) })]),
    ...(left === undefined ? [] : [frame.say('factor.left', { left: String(left) })]),
  ]
}

function nameOf(frame: Frame, { name, type }: OwnFactor): string {
  return name === '' ? typeName(frame, type) : name
}

/** A type that no catalogue names yet is called as configurations call it. */
function typeName(frame: Frame, type: string): string {
  const key = `factor.type.${type}`
  return Object.hasOwn(en, key) ? frame.say(key as MessageKey) : type
}
