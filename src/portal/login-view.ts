import { asksSomething, LATER, type Callback, type Step } from '../authn/step.ts'
import type { Session } from '../session/session.ts'
import type { Frame } from './frame.ts'
import { renderSVG } from 'uqr'
import { strengthens } from '../authn/demand.ts'
import { byLastUse, offerOf, providerOf } from './providers.ts'
import { webauthnView } from './webauthn-view.ts'
import { loginUrl, withQuery, type LoginRequest } from './login-request.ts'
import { en, type MessageKey } from './messages/en.ts'
import { sayDuration } from './messages/language.ts'

export type Ask = Extract<Step, { kind: 'ask' }>

/** What stands above the form besides what the step itself says. */
export type LoginNotice = 'expired' | 'cookie' | 'two-cookies' | 'no-such-organisation' | undefined

export interface LoginViewInput {
  readonly asked: LoginRequest
  readonly step: Ask
  readonly session: Session | undefined
  /** Title of the site whose request this login approves. */
  readonly approvedAt?: string | undefined
  /** Title of the realm that `session` belongs to. */
  readonly sessionRealm: string
  readonly notice: LoginNotice
  /** What was typed, by position, to be kept; secrets are never shown again. */
  readonly typed: readonly string[]
  /** The module of the provider that somebody signed in by last in this browser. */
  readonly lastProvider: string | undefined
  readonly requestId: string
  readonly host: string
}

interface Field {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'password' | 'choice' | 'code' | 'recovery' | 'box'
  readonly value: string
  readonly autocomplete: string
  readonly focus: boolean
  readonly invalid: boolean
  /** May be left empty. */
  readonly optional?: true
  readonly choices: readonly string[]
}

/** Everything `login.eta` shows. */
export function loginView(frame: Frame, input: LoginViewInput): object {
  const { asked, step } = input
  const realm = asked.realm.compiledLook.title
  const site = asked.site?.title ?? asked.client?.title
  const self = loginUrl(asked.realm, asked.pairs)
  const fields = fieldsOf(frame, input)
  const offer = offerOf(step)
  const heading = headingOf(frame, step, realm)
  const failure =
    input.notice === 'no-such-organisation'
      ? frame.say('failure.no-such-organisation')
      : step.failure === undefined
        ? textsOf(frame, step, 'refuses')[0]
        : failureText(frame, input)
  const where = site === undefined ? undefined : frame.say('login.continue', { site })
  return {
    title: failure === undefined ? heading : `${failure} – ${heading}`,
    heading,
    where,
    action: self,
    authId: step.authId,
    stage: step.stage,
    notice: noticeOf(frame, input),
    failure,
    texts: textsOf(frame, step, 'explains'),
    keyUri: keyUriOf(frame, step),
    codes: codesOf(step),
    resend: step.callbacks.some(({ type }) => type === 'ResendCallback') ? frame.say('login.resend') : undefined,
    later: step.optional === true ? { value: LATER, label: frame.say('enrol.later') } : undefined,
    webauthn: webauthnView(frame, step.callbacks, answerName),
    others: othersOf(frame, input),
    byAddress: asksForAddress(input)
      ? {
          label: frame.say('login.email'),
          submit: frame.say('login.by-email'),
          failed: input.notice === 'no-such-organisation',
        }
      : undefined,
    cancel: isStepUp(input) ? { href: '/', label: frame.say('login.cancel') } : undefined,
    fields,
    submit:
      offer === undefined ? frame.say(submitOf(step, fields)) : providerLabel(frame, input, step.stage, offer.title),
    // Where a proof is wanted in spite of a session, a login in another tab changes nothing here.
    stateUrl: asked.demand.force ? undefined : stateUrl(asked),
    // A page that goes on from a proof, or shows a secret, has no other that could take its place.
    renews: isFirst(step) && !asksForNewPassword(step),
    requestId: step.failure === undefined && input.notice === undefined ? undefined : input.requestId,
  }
}

function othersOf(frame: Frame, input: LoginViewInput): readonly object[] {
  const { step, asked, lastProvider } = input
  return byLastUse(
    step.others,
    (module) => module === lastProvider && providerOf(asked.realm, module) !== undefined,
  ).map((module) => ({
    module,
    label: otherLabel(frame, input, module),
    isProvider: providerOf(asked.realm, module) !== undefined,
  }))
}

function otherLabel(frame: Frame, input: LoginViewInput, module: string): string {
  if (module === 'anonymous') return frame.say('login.without')
  const provider = providerOf(input.asked.realm, module)
  return provider === undefined
    ? frame.say('login.use-other', { module: moduleName(frame, module) })
    : providerLabel(frame, input, module, provider.title)
}

function providerLabel(frame: Frame, { lastProvider }: LoginViewInput, module: string, provider: string): string {
  return frame.say(module === lastProvider ? 'login.with-last' : 'login.with', { provider })
}

/** Whether the address that people type tells which of several ways is theirs. */
function asksForAddress({ step, asked }: LoginViewInput): boolean {
  const ways = new Set([step.stage, ...step.others])
  return (
    isFirst(step) &&
    ways.size > 1 &&
    asked.realm.providers?.some(({ module, domains }) => ways.has(module) && domains.length > 0) === true
  )
}

/** Answers arrive under these names, as in OpenAM's forms: IDToken1, IDToken2 … in the order of the callbacks. */
export function answerName(index: number): string {
  return `IDToken${index + 1}`
}

function fieldsOf(frame: Frame, { step, typed, session, asked }: LoginViewInput): readonly Field[] {
  const known = session?.realm === asked.realm.name ? session.username : ''
  const invalid = step.failure === 'bad-credentials' || step.failure === 'wrong-code'
  const byKey = usedKey(step, typed)
  const fields = step.callbacks.flatMap((callback, index): readonly Omit<Field, 'focus'>[] => {
    const name = answerName(index)
    switch (callback.type) {
      case 'NameCallback': {
        if (callback.recoveryCode === true) {
          return [{ ...field(frame, name, callback), kind: 'recovery', value: '', autocomplete: 'off', invalid }]
        }
        if (callback.oneTimeCode === true) {
          return [{ ...field(frame, name, callback), kind: 'code', value: '', autocomplete: 'one-time-code', invalid }]
        }
        // What was typed comes first: a directory's spelling of it would tell that the account exists.
        const value = typed[index] ?? callback.value ?? known
        // Browsers offer passkeys in the suggestions of such a field (HTML §4.10.18.7.1).
        const autocomplete = offersPasskeys(step) ? 'username webauthn' : 'username'
        return [{ ...field(frame, name, callback), kind: 'text', value, autocomplete, invalid: invalid && !byKey }]
      }
      case 'TextInputCallback': {
        const value = typed[index] ?? callback.defaultText
        const base = field(frame, name, callback)
        return [{ ...base, kind: 'text', value, autocomplete: 'off', optional: true, invalid: false }]
      }
      case 'PasswordCallback':
        return [
          {
            ...field(frame, name, callback),
            kind: 'password',
            value: '',
            autocomplete: callback.isNew === true ? 'new-password' : 'current-password',
            invalid: invalid && !byKey,
          },
        ]
      case 'ChoiceCallback': {
        const choices = callback.choices.map((choice) => prompt(frame, choice))
        const base = field(frame, name, callback)
        return [{ ...base, kind: 'choice', value: '', autocomplete: 'off', invalid: false, choices }]
      }
      case 'BooleanAttributeInputCallback': {
        const label = prompt(frame, callback.prompt, callback.parameters)
        const value = typed[index] === 'true' ? 'true' : ''
        return [{ id: name, name, label, choices: [], kind: 'box', value, autocomplete: 'off', invalid: false }]
      }
      case 'SelectIdPCallback':
      case 'RedirectCallback':
      case 'HiddenValueCallback':
      case 'TextOutputCallback':
      case 'KeyUriCallback':
      case 'RecoveryCodesCallback':
      case 'ResendCallback':
      case 'MetadataCallback':
        return []
    }
  })
  const empty = fields.findIndex(({ kind, value }) => kind !== 'choice' && kind !== 'box' && value === '')
  return fields.map((each, index) => ({ ...each, focus: index === empty }))
}

function field(
  frame: Frame,
  name: string,
  callback: Extract<Callback, { readonly prompt: string }>,
): Pick<Field, 'id' | 'name' | 'label' | 'choices'> {
  return { id: name, name, label: prompt(frame, callback.prompt), choices: [] }
}

/** A module names its prompts by message key; text of its own, which no catalogue has, is shown as it is. */
function prompt(frame: Frame, text: string, parameters?: Readonly<Record<string, string>>): string {
  for (const key of [text, `login.${text}`]) {
    if (Object.hasOwn(en, key)) return frame.say(key as MessageKey, parameters)
  }
  return text
}

function textsOf(frame: Frame, { callbacks }: Ask, which: 'explains' | 'refuses'): readonly string[] {
  return callbacks.flatMap((callback) =>
    callback.type === 'TextOutputCallback' && (callback.isFailure === true) === (which === 'refuses')
      ? [prompt(frame, callback.message, callback.parameters)]
      : [],
  )
}

function failureText(frame: Frame, { step, typed }: LoginViewInput): string {
  const seconds = step.retryAfterSeconds ?? 1
  const duration = sayDuration(frame.language, seconds)
  if (step.failure === undefined) return ''
  if (step.failure !== 'throttled' && usedKey(step, typed)) {
    return frame.say(step.enrols ? 'failure.not-set-up' : 'failure.wrong-key')
  }
  // A login that starts over at the code says what was wrong with the code.
  const failure = step.failure === 'bad-credentials' && asksForCode(step) ? 'wrong-code' : step.failure
  if (failure === 'wrong-code' && asksForRecoveryCode(step)) return frame.say('failure.wrong-recovery-code')
  return frame.say(`failure.${failure}`, { duration })
}

/** Whether what was refused came from a key and not from a keyboard. */
function usedKey({ callbacks }: Ask, typed: readonly string[]): boolean {
  const hidden = callbacks.filter(asksSomething).findIndex(({ type }) => type === 'HiddenValueCallback')
  const isAlone = callbacks.every(
    (callback) => callback.type !== 'NameCallback' && callback.type !== 'PasswordCallback',
  )
  return hidden !== -1 && (isAlone || (typed[hidden] ?? '') !== '')
}

/** Who is signed in here already, what this form does to that, and the way out. */
function noticeOf(frame: Frame, input: LoginViewInput): object | undefined {
  const { asked, session, notice, sessionRealm } = input
  if (notice === 'expired') return { text: frame.say('notice.expired'), link: undefined }
  if (notice === 'cookie') return { text: frame.say('notice.cookie', { host: input.host }), link: undefined }
  if (notice === 'two-cookies') return { text: frame.say('cause.two-cookies'), link: undefined }
  if (session === undefined) return undefined
  const user = session.username
  const link = { href: '/', label: frame.say('logout.stay') }
  if (session.realm !== asked.realm.name) {
    return { text: frame.say(`notice.switch-${asked.realm.realmSwitch}`, { user, realm: sessionRealm }), link }
  }
  // What is offered is a matter of its own, and nothing that was asked for.
  if (input.step.optional === true) return undefined
  if (isStepUp(input)) {
    const { method = '', path = '' } = input.step.approves ?? {}
    const about = { user, site: siteTitle(input), method, path: path.slice(0, LONGEST_PATH) }
    return { text: frame.say(`notice.${stepUpReason(input, session)}`, about), link: undefined }
  }
  return { text: frame.say('notice.again', { user }), link }
}

/** Whether this login strengthens the session that is there. */
function isStepUp({ asked, session }: LoginViewInput): boolean {
  return session?.realm === asked.realm.name && strengthens(asked.demand)
}

/** Why more is asked of who is signed in already. */
function stepUpReason({ asked, step }: LoginViewInput, { authLevel }: Session): StepUpReason {
  if (step.approves !== undefined) return 'approve'
  const here = asked.site === undefined ? '-here' : ''
  if (step.enrols) return `enrol${here}`
  return authLevel >= (asked.demand.level ?? 0) && asked.demand.maxAgeMs !== undefined ? `age${here}` : `step-up${here}`
}

/** The site whose request is approved names itself by nothing in the address of the page. */
function siteTitle({ asked, approvedAt }: LoginViewInput): string {
  return approvedAt ?? asked.site?.title ?? ''
}

/** Characters of a path that the page shows. */
const LONGEST_PATH = 200

type StepUpReason = 'approve' | `${'enrol' | 'age' | 'step-up'}${'' | '-here'}`

function asksForCode({ callbacks }: Ask): boolean {
  return callbacks.some(
    (callback) => callback.type === 'NameCallback' && (callback.oneTimeCode === true || callback.recoveryCode === true),
  )
}

function asksForNewPassword({ callbacks }: Ask): boolean {
  return callbacks.some((callback) => callback.type === 'PasswordCallback' && callback.isNew === true)
}

function asksForRecoveryCode({ callbacks }: Ask): boolean {
  return callbacks.some((callback) => callback.type === 'NameCallback' && callback.recoveryCode === true)
}

/** Codes that are to be kept on paper; none where the page shows none. */
function codesOf({ callbacks }: Ask): readonly string[] {
  return callbacks.flatMap((callback) => (callback.type === 'RecoveryCodesCallback' ? callback.codes : []))
}

function asksForKey({ callbacks }: Ask): boolean {
  return callbacks.some(({ type }) => type === 'MetadataCallback')
}

function offersPasskeys(step: Ask): boolean {
  return !step.enrols && asksForKey(step)
}

function headingOf(frame: Frame, step: Ask, realm: string): string {
  if (codesOf(step).length > 0) return frame.say('enrol.recovery.title')
  if (step.enrols) return frame.say(asksForKey(step) ? 'enrol.webauthn.title' : 'enrol.title')
  if (asksForNewPassword(step)) return frame.say('password.title')
  return frame.say(isFirst(step) ? 'login.title' : 'login.confirm', { realm })
}

/** Nothing was answered yet, and it is for nobody in particular. */
function isFirst({ username, begun }: Ask): boolean {
  return username === undefined && begun !== true
}

function submitOf(step: Ask, fields: readonly Field[]): MessageKey {
  if (step.approves !== undefined && !step.enrols) return 'login.approve'
  if (step.enrols) return asksForKey(step) ? 'enrol.webauthn.submit' : 'enrol.submit'
  if (asksForKey(step) && fields.every(({ kind }) => kind === 'box')) return 'webauthn.use'
  if (asksForNewPassword(step)) return 'password.submit'
  if (step.username !== undefined) return 'login.next'
  return fields.some((field) => field.kind === 'password') ? 'login.submit' : 'login.next'
}

/** The secret as a picture, made here: it must not be seen by any service that draws them. */
function keyUriOf(frame: Frame, { callbacks }: Ask): object | undefined {
  const callback = callbacks.find((each) => each.type === 'KeyUriCallback')
  if (callback === undefined) return undefined
  return {
    svg: renderSVG(callback.uri, { border: 2, pixelSize: 4 }),
    uri: callback.uri,
    secret: callback.secret.replaceAll(/(.{4})(?=.)/g, '$1 '),
    label: frame.say('enrol.qr'),
    open: frame.say('enrol.open'),
    typed: frame.say('enrol.secret'),
  }
}

function moduleName(frame: Frame, module: string): string {
  const key = `module.${module}`
  return Object.hasOwn(en, key) ? frame.say(key as MessageKey) : module
}

/** Where script asks whether this browser may pass by now. The same question as the page itself would answer. */
function stateUrl({ realm, demanding }: LoginRequest): string {
  return withQuery('/login-state', [['realm', realm.name], ...demanding])
}
