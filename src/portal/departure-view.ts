import type { Aside, Stop } from '../federation/logout/departure.ts'
import type { Carried } from '../federation/logout/logout-protocol.ts'
import { untoldKey, type Standing } from '../federation/logout/leaving.ts'
import type { Frame, Pairs } from './frame.ts'
import type { MessageAction } from './message-page.ts'
import type { MessageKey } from './messages/en.ts'

/** One partner, and what has become of it. */
interface Row {
  readonly title: string
  readonly state: 'done' | 'now' | 'waiting' | 'left'
  readonly text: string
}

interface DeparturePage {
  readonly title: string
  readonly heading: string
  readonly lead: string
  readonly rows: readonly Row[]
  readonly actions: readonly MessageAction[]
  /** A form that goes on, to a partner or to ourselves. */
  readonly form?: {
    readonly action: string
    readonly fields: Pairs
    readonly buttons: readonly { readonly name: string; readonly value: string; readonly label: string }[]
    /** Whether it sends itself. */
    readonly relays: boolean
  }
  readonly script: string | undefined
}

/** On to a partner, by a page that goes on by itself. `title`: of who is there. */
export function goingView(
  frame: Frame,
  standing: Standing | undefined,
  title: string,
  carried: Carried,
): DeparturePage {
  const label = frame.say('leaving.go', { provider: title })
  const isLink = carried.kind === 'redirect'
  return {
    title: frame.say('leaving.signing-out'),
    heading: frame.say('leaving.signing-out'),
    lead: frame.say('leaving.out', { provider: title }),
    rows: standing === undefined ? [] : rowsOf(frame, standing),
    actions: isLink ? [{ href: carried.url, label, style: 'button', newWindow: false }] : [],
    ...(isLink
      ? {}
      : {
          form: {
            action: carried.url,
            fields: carried.fields,
            buttons: [{ name: '', value: '', label }],
            relays: true,
          },
        }),
    script: isLink ? undefined : 'relay.js',
  }
}

export function stuckView(frame: Frame, standing: Standing, { title }: Stop): DeparturePage {
  return {
    title: frame.say('leaving.stuck', { provider: title }),
    heading: frame.say('leaving.stuck', { provider: title }),
    lead: frame.say('leaving.stuck-text', { provider: title }),
    rows: rowsOf(frame, standing, { state: 'now', text: 'leaving.failed' }),
    actions: [],
    form: {
      action: '/leaving',
      fields: [],
      buttons: [
        { name: 'do', value: 'pass', label: frame.say('leaving.pass') },
        { name: 'do', value: 'again', label: frame.say('leaving.again', { provider: title }) },
      ],
      relays: false,
    },
    script: undefined,
  }
}

export function overView(frame: Frame, standing: Standing, actions: readonly MessageAction[]): DeparturePage {
  const rows = rowsOf(frame, standing)
  const isLeft = rows.some(({ state }) => state === 'left')
  return {
    title: frame.say('logged-out.title'),
    heading: frame.say('logged-out.title'),
    lead: frame.say(isLeft ? 'leaving.left-text' : 'logged-out.text'),
    rows,
    actions,
    script: undefined,
  }
}

const STOPS = {
  waiting: { state: 'waiting', text: 'leaving.waiting' },
  sent: { state: 'now', text: 'leaving.now' },
  done: { state: 'done', text: 'leaving.done' },
  failed: { state: 'left', text: 'leaving.failed' },
} as const satisfies Record<Stop['state'], { readonly state: Row['state']; readonly text: MessageKey }>

/** `sent`: what is said of where the browser was sent last. */
function rowsOf(
  frame: Frame,
  { departure: { stops, asides }, untold }: Standing,
  sent: { readonly state: Row['state']; readonly text: MessageKey } = STOPS.sent,
): readonly Row[] {
  const of = ({ state }: Stop) => (state === 'sent' ? sent : STOPS[state])
  return [
    ...stops.map((stop) => ({ title: stop.title, state: of(stop).state, text: frame.say(of(stop).text) })),
    ...asides.map((aside) => rowOf(frame, aside, untold)),
  ]
}

function rowOf(frame: Frame, aside: Aside, untold: ReadonlySet<string>): Row {
  const { title, way } = aside
  if (way === 'none') return { title, state: 'left', text: frame.say('leaving.none') }
  return untold.has(untoldKey(aside))
    ? { title, state: 'waiting', text: frame.say('leaving.told') }
    : { title, state: 'done', text: frame.say('leaving.done') }
}
