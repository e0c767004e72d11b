import { LATER, type Callback, type ProgramStep } from '../../../authn/step.ts'
import { inputName, type Expected } from './answers.ts'
import type { Speech } from './speech.ts'
import { webauthnData } from './webauthn-data.ts'

/** Sessions to choose from. */
const MOST_CHOICES = 50

type Ask = Extract<ProgramStep, { readonly kind: 'ask' }>
type QuotaReached = Extract<ProgramStep, { readonly kind: 'quota-reached' }>

interface Named {
  readonly name: string
  readonly value: unknown
}

/** A callback as OpenAM's clients know it. */
export interface WireCallback {
  readonly type: string
  readonly output: readonly Named[]
  readonly input?: readonly Named[]
  readonly _id: number
}

/** What a step asks, and what may come back: one entry for each callback, `null` where nothing does. */
export interface Rendered {
  readonly callbacks: readonly WireCallback[]
  readonly expected: readonly (Expected | null)[]
}

/** One callback before it has its place. */
interface Part {
  readonly type: string
  readonly output: readonly Named[]
  readonly value?: unknown
  readonly expected: Expected | null
}

export function renderStep(step: Ask, speech: Speech): Rendered {
  const parts = step.callbacks.flatMap((callback) => partsOf(callback, speech))
  return placed([...parts, ...noticeOf(step, speech), ...waysOf(step, speech)])
}

/** The sessions that somebody may end for this login: of many the oldest, as a client has to send all of it back. */
export function renderQuota({ running: all }: QuotaReached, { say, ago }: Speech): Rendered {
  const running = all.slice(0, MOST_CHOICES)
  const choices = running.map(({ origin: { address }, createdAt, lastSeenAt }) =>
    [
      say('session.since', { ago: ago(createdAt) }),
      say('session.used', { ago: ago(lastSeenAt) }),
      ...(address === '' ? [] : [address]),
    ].join(', '),
  )
  const output = [named('prompt', say('quota.end')), named('choices', choices), named('defaultChoice', 0)]
  const sids = running.map(({ sid }) => sid)
  return placed([{ type: 'ChoiceCallback', output, value: 0, expected: { kind: 'answer', values: sids } }])
}

function placed(parts: readonly Part[]): Rendered {
  const callbacks = parts.map(({ type, output, value, expected }, index) => {
    const name = inputName(index)
    const only = expected?.kind === 'box' ? [{ name: `${name}validateOnly`, value: false }] : []
    const input = expected === null ? {} : { input: [{ name, value: value ?? '' }, ...only] }
    return { type, output, ...input, _id: index }
  })
  return { callbacks, expected: parts.map(({ expected }) => expected) }
}

function partsOf(callback: Callback, { say }: Speech): readonly Part[] {
  switch (callback.type) {
    case 'NameCallback':
      return [{ ...asking(callback, say), value: callback.value ?? '', expected: { kind: 'text' } }]
    case 'PasswordCallback':
      return [{ ...asking(callback, say), expected: { kind: 'text' } }]
    case 'TextInputCallback': {
      const { type, output } = asking(callback, say)
      return [{ type, output: [...output, named('defaultText', callback.defaultText)], expected: { kind: 'text' } }]
    }
    case 'BooleanAttributeInputCallback':
      return [boxPart(callback, say)]
    case 'HiddenValueCallback': {
      const { id, type } = callback
      return [{ type, output: [named('value', ''), named('id', id)], value: id, expected: { kind: 'hidden', id } }]
    }
    case 'ChoiceCallback': {
      const { type, output } = asking(callback, say)
      const choices = callback.choices.map((choice) => say(choice))
      const more = [named('choices', choices), named('defaultChoice', 0)]
      const values = choices.map((_, index) => String(index))
      return [{ type, output: [...output, ...more], value: 0, expected: { kind: 'answer', values } }]
    }
    case 'TextOutputCallback':
      return [text(say(callback.message, callback.parameters), callback.isFailure === true ? ERROR : INFORMATION)]
    case 'KeyUriCallback':
      // As OpenAM registers an authenticator app: the URI hidden, for whoever draws it, and the secret to be typed.
      return [
        text(`${say('enrol.secret')} ${callback.secret}`, INFORMATION),
        {
          type: 'HiddenValueCallback',
          output: [named('value', callback.uri), named('id', 'mfaDeviceRegistration')],
          value: 'mfaDeviceRegistration',
          expected: { kind: 'shown' },
        },
      ]
    case 'RecoveryCodesCallback':
      return [text([say('enrol.recovery.title'), ...callback.codes].join('\n'), INFORMATION)]
    case 'MetadataCallback':
      return [{ type: 'MetadataCallback', output: [named('data', webauthnData(callback.data))], expected: null }]
    case 'SelectIdPCallback': {
      const { type, provider, title } = callback
      const output = [named('providers', [{ provider, uiConfig: { buttonDisplayName: title } }]), named('value', '')]
      return [{ type, output, value: provider, expected: { kind: 'text' } }]
    }
    case 'RedirectCallback': {
      const { url, fields } = callback
      const way =
        fields === undefined
          ? [named('redirectMethod', 'GET')]
          : [named('redirectMethod', 'POST'), named('redirectData', fields)]
      const output = [named('redirectUrl', url), ...way, named('trackingCookie', true)]
      return [{ type: callback.type, output, expected: { kind: 'text' } }]
    }
    case 'ResendCallback':
      return []
  }
}

type Say = Speech['say']

function asking(
  { type, prompt }: { readonly type: string; readonly prompt: string },
  say: Say,
): Pick<Part, 'type' | 'output'> {
  return { type, output: [named('prompt', say(prompt))] }
}

function boxPart(callback: Extract<Callback, { readonly type: 'BooleanAttributeInputCallback' }>, say: Say): Part {
  const { type, name, prompt, parameters } = callback
  const output = [
    named('name', name),
    named('prompt', say(prompt, parameters)),
    named('required', false),
    named('policies', {}),
    named('failedPolicies', []),
    named('validateOnly', false),
    named('value', false),
  ]
  return { type, output, value: false, expected: { kind: 'box' } }
}

/** `javax.security.auth.callback.TextOutputCallback`. */
const INFORMATION = '0'
const WARNING = '1'
const ERROR = '2'

function text(message: string, messageType: string): Part {
  const output = [named('message', message), named('messageType', messageType)]
  return { type: 'TextOutputCallback', output, expected: null }
}

/** What did not come to them although they are asked for it. It stands last, so that no input has another number for it. */
function noticeOf({ failure }: Ask, { say }: Speech): readonly Part[] {
  return failure === 'not-sent' || failure === 'sent-too-often' ? [text(say(`failure.${failure}`), WARNING)] : []
}

/** Other ways to go on: the first option is to answer what is asked. */
function waysOf({ callbacks, others, optional, stage }: Ask, { say }: Speech): readonly Part[] {
  const ways = [
    ...(callbacks.some(({ type }) => type === 'ResendCallback') ? [{ choose: stage, label: say('login.resend') }] : []),
    ...others.map((module) => ({ choose: module, label: say('login.use-other', { module: say(`module.${module}`) }) })),
    ...(optional === true ? [{ choose: LATER, label: say('enrol.later') }] : []),
  ]
  if (ways.length === 0) return []
  const output = [
    named('prompt', ''),
    named('messageType', 0),
    named('options', [say('login.next'), ...ways.map(({ label }) => label)]),
    named('optionType', -1),
    named('defaultOption', 0),
  ]
  const values = ways.map(({ choose }) => choose)
  return [{ type: 'ConfirmationCallback', output, value: 0, expected: { kind: 'way', values } }]
}

function named(name: string, value: unknown): Named {
  return { name, value }
}
