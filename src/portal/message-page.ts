import type { MessageKey } from './messages/en.ts'
import type { Frame } from './frame.ts'

/** A page that says what happened and what can be done. */
export interface MessagePage {
  readonly title: string
  readonly heading: string
  readonly paragraphs: readonly string[]
  readonly actions: readonly MessageAction[]
  /** The page's one button, where it sends something. */
  readonly form?: MessageForm | undefined
  readonly facts: readonly Fact[]
}

/** One field, sent as text/plain. */
export interface MessageForm {
  readonly action: string
  readonly field: string
  readonly value: string
  readonly submit: string
  readonly discard: MessageAction
}

export interface MessageAction {
  readonly href: string
  readonly label: string
  readonly style: 'button' | 'button quiet' | 'plain'
  readonly newWindow: boolean
}

export interface Fact {
  readonly label: string
  readonly value: string
  /** Set in a fixed-width face, for something to read out or to copy. */
  readonly code: boolean
}

/** What can be said about a refusal. Each kind has `error.<kind>.title` and `error.<kind>.text`. */
export type ErrorKind = Extract<MessageKey, `error.${string}.title`> extends `error.${infer Kind}.title` ? Kind : never

export interface ErrorFacts {
  /** Title of the application. */
  readonly site?: string | undefined
  readonly user?: string | undefined
  readonly policies?: readonly string[] | undefined
  readonly why?: readonly { readonly policy: string; readonly because: string }[] | undefined
  readonly requestId: string
}

/** An action; the first of a page is its one primary button. */
export function action(frame: Frame, key: MessageKey, href: string, style: MessageAction['style']): MessageAction {
  return { href, label: frame.say(key), style, newWindow: key === 'action.open' }
}

export function errorFacts(frame: Frame, { site, user, policies, why = [], requestId }: ErrorFacts): readonly Fact[] {
  const fact = (key: MessageKey, value: string | undefined, code: boolean): readonly Fact[] =>
    value === undefined || value === '' ? [] : [{ label: frame.say(key), value, code }]
  return [
    ...fact('detail.site', site, false),
    ...fact('detail.user', user, false),
    ...fact('detail.policy', policies?.join(', '), false),
    ...why.flatMap(({ policy, because }) => fact('detail.why', `${policy}: ${because}`, false)),
    ...fact('detail.request', requestId, true),
  ]
}
