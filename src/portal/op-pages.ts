import type { OpPage } from '../federation/oidc-op/visits.ts'
import { scopeText } from './application-view.ts'
import type { Frame, Pairs } from './frame.ts'
import { action, errorFacts, type Fact, type MessagePage } from './message-page.ts'
import type { MessageKey } from './messages/en.ts'
import type { CompiledRealm } from './realms.ts'
import type { Visit } from './visit.ts'

/** A page of the realm's OpenID provider as HTML, with its headers set. */
export function drawOpPage(visit: Visit, realm: CompiledRealm, page: OpPage): string {
  const template = TEMPLATES[page.kind]
  const formTargets = 'targets' in page ? page.targets : []
  const requestId = visit.facts.requestId
  return visit.draw({ template, realm, formTargets, view: (frame) => viewOf(frame, { page, realm, requestId }) })
}

const TEMPLATES = {
  consent: 'decision',
  'turned-away': 'decision',
  'sign-out': 'decision',
  'device-confirm': 'decision',
  'device-code': 'device-code',
  'device-done': 'message',
  refused: 'message',
} as const satisfies Record<OpPage['kind'], string>

interface Shown {
  readonly page: OpPage
  readonly realm: CompiledRealm
  readonly requestId: string
}

/** A question with a yes and a no, each a button of one form. */
interface DecisionPage {
  readonly title: string
  readonly heading: string
  readonly lead: string
  readonly points: readonly string[]
  readonly shown: string | undefined
  readonly action: string
  readonly fields: Pairs
  readonly yes: Button
  readonly no: Button
  readonly script: string | undefined
  readonly facts?: readonly Fact[]
}

interface Button {
  readonly name: string
  readonly value: string
  readonly label: string
}

function viewOf(frame: Frame, { page, realm, requestId }: Shown): object {
  switch (page.kind) {
    case 'consent':
      return consent(frame, page)
    case 'turned-away':
      return turnedAway(frame, page, requestId)
    case 'sign-out':
      return signOut(frame, page, realm)
    case 'device-confirm':
      return deviceConfirm(frame, page)
    case 'device-code':
      return {
        title: frame.say('device.title'),
        heading: frame.say('device.title'),
        lead: frame.say('device.text'),
        failure: page.problem === undefined ? undefined : frame.say(`device.${page.problem}`),
        label: frame.say('device.code'),
        submit: frame.say('login.next'),
        action: page.action,
        xsrf: page.xsrf,
      }
    case 'device-done':
      return message(frame, {
        title: 'device.done',
        text: frame.say('device.done-text', { client: page.client }),
        requestId: undefined,
      })
    case 'refused':
      return refused(frame, page, requestId)
  }
}

function consent(
  frame: Frame,
  { client, username, scopes, action: target }: Extract<OpPage, { kind: 'consent' }>,
): DecisionPage {
  return {
    title: frame.say('consent.title', { client }),
    heading: frame.say('consent.title', { client }),
    lead: frame.say('consent.text', { client, user: username }),
    points: scopes.map((scope) => scopeText(frame, scope)),
    shown: undefined,
    action: target,
    fields: [],
    yes: { name: 'decision', value: 'allow', label: frame.say('consent.allow') },
    no: { name: 'decision', value: 'deny', label: frame.say('consent.deny') },
    script: undefined,
  }
}

function turnedAway(
  frame: Frame,
  { client, username, policies, action: target }: Extract<OpPage, { kind: 'turned-away' }>,
  requestId: string,
): DecisionPage {
  return {
    title: frame.say('turned-away.title', { client }),
    heading: frame.say('turned-away.title', { client }),
    lead: frame.say('turned-away.text', { client, user: username }),
    points: [],
    shown: undefined,
    action: target,
    fields: [],
    yes: { name: 'decision', value: 'leave', label: frame.say('turned-away.back', { client }) },
    no: { name: 'decision', value: 'another', label: frame.say('turned-away.another') },
    script: undefined,
    facts: errorFacts(frame, { policies, requestId }),
  }
}

function signOut(
  frame: Frame,
  { client, username, isAsked, action: target, xsrf }: Extract<OpPage, { kind: 'sign-out' }>,
  realm: CompiledRealm,
): DecisionPage {
  const title = realm.compiledLook.title
  return {
    title: frame.say('logout.title', { realm: title }),
    heading: frame.say('logout.title', { realm: title }),
    lead:
      client === undefined
        ? frame.say('logout.text-none', { user: username, realm: title })
        : frame.say('logout.from-client', { client, user: username, realm: title }),
    points: [],
    shown: undefined,
    action: target,
    fields: [
      ['xsrf', xsrf],
      // Script sends a form without a button's value.
      ...(isAsked ? [] : ([['logout', 'yes']] as const)),
    ],
    yes: { name: isAsked ? 'logout' : 'button', value: 'yes', label: frame.say('logout.submit') },
    no: { name: 'stay', value: 'yes', label: frame.say('logout.stay') },
    script: isAsked ? undefined : 'relay.js',
  }
}

function deviceConfirm(
  frame: Frame,
  { client, action: target, xsrf, userCode, shown }: Extract<OpPage, { kind: 'device-confirm' }>,
): DecisionPage {
  return {
    title: frame.say('device.confirm', { client }),
    heading: frame.say('device.confirm', { client }),
    lead: frame.say('device.confirm-text', { client }),
    points: [],
    shown,
    action: target,
    fields: [
      ['xsrf', xsrf],
      ['user_code', userCode],
    ],
    yes: { name: 'confirm', value: 'yes', label: frame.say('login.next') },
    no: { name: 'abort', value: 'yes', label: frame.say('consent.deny') },
    script: undefined,
  }
}

function refused(
  frame: Frame,
  { error, description, status }: Extract<OpPage, { kind: 'refused' }>,
  requestId: string,
): MessagePage {
  const isOurs = status >= 500
  const words = isOurs ? [] : [description === undefined ? error : `${error}: ${description}`]
  return {
    ...message(frame, {
      title: isOurs ? 'error.unavailable.title' : 'openid.refused',
      text: frame.say(isOurs ? 'error.unavailable.text' : 'openid.refused-text'),
      requestId,
    }),
    facts: [
      ...words.map((value) => ({ label: frame.say('detail.why'), value, code: true })),
      ...errorFacts(frame, { requestId }),
    ],
  }
}

function message(
  frame: Frame,
  {
    title,
    text,
    requestId,
  }: { readonly title: MessageKey; readonly text: string; readonly requestId: string | undefined },
): MessagePage {
  return {
    title: frame.say(title),
    heading: frame.say(title),
    paragraphs: [text],
    actions: [action(frame, 'action.home', '/', 'button')],
    facts: requestId === undefined ? [] : errorFacts(frame, { requestId }),
  }
}
