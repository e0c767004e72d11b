import { asksSomething, type Callback } from '../authn/step.ts'
import type { Frame } from './frame.ts'

/** What `webauthn.eta` and `webauthn.js` need to talk to an authenticator. */
export interface WebauthnView {
  /** The ceremony's options as base64url JSON: script takes them out of a page that it fetched, where HTML would be in the way. */
  readonly options: string
  /** Name of the form's field that the outcome belongs into. */
  readonly outcome: string
  /** Whether it stands beside something to be typed; else the form's first button starts it. */
  readonly beside: boolean
  readonly text: string | undefined
  readonly button: string
  readonly needsScript: string
  readonly cancelled: string
  readonly exists: string
  readonly unsupported: string
}

/** `undefined` where the callbacks ask for no key. Their answers are numbered as in `answers` of a login. */
export function webauthnView(
  frame: Frame,
  callbacks: readonly Callback[],
  nameOf: (index: number) => string,
): WebauthnView | undefined {
  const metadata = callbacks.find((callback) => callback.type === 'MetadataCallback')
  const asking = callbacks.filter((each) => asksSomething(each) && each.type !== 'BooleanAttributeInputCallback')
  const hidden = asking.findIndex(({ type }) => type === 'HiddenValueCallback')
  if (metadata === undefined || hidden === -1 || metadata.data['_type'] !== 'WebAuthn') return undefined
  const isAlone = asking.every(({ type }) => type === 'HiddenValueCallback' || type === 'TextInputCallback')
  return {
    options: Buffer.from(JSON.stringify(metadata.data)).toString('base64url'),
    outcome: nameOf(hidden),
    beside: !isAlone,
    text: isAlone && asking.length === 1 ? frame.say('webauthn.text') : undefined,
    button: frame.say('webauthn.sign-in'),
    needsScript: frame.say('webauthn.needs-script'),
    cancelled: frame.say('webauthn.cancelled'),
    exists: frame.say('webauthn.exists'),
    unsupported: frame.say('webauthn.unsupported'),
  }
}
