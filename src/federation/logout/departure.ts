import type { RealmName } from '../../base/brand.ts'

/** How far the browser is with one partner. `failed`: it has said no, was passed over, or is no partner any more. */
export type StopState = 'waiting' | 'sent' | 'done' | 'failed'

/** A partner that has to be told by the browser. */
export interface Stop {
  readonly protocol: string
  /** Its id in the configuration. */
  readonly partner: string
  /** What people call it. */
  readonly title: string
  /** What its protocol has to know to tell it. */
  readonly data: string
  readonly state: StopState
  /** Id of the message that the browser has carried there. */
  readonly requestId?: string | undefined
}

/** A partner that the browser is not taken to. */
export interface Aside {
  readonly protocol: string
  readonly partner: string
  readonly title: string
  /** `server`: it is told from here; `none`: there is no way to tell it. */
  readonly way: 'server' | 'none'
}

/** What comes when all have been told. */
export type Ending =
  /** `agent`: the site that the person came from. */
  | { readonly kind: 'page'; readonly agent?: string | undefined }
  /** Checked. `title`: what people call who is there, where it is a partner. */
  | { readonly kind: 'goto'; readonly url: string; readonly title?: string | undefined }
  /** The partner that began it gets its answer, with `data`, which its protocol understands. */
  | { readonly kind: 'answer'; readonly protocol: string; readonly title: string; readonly data: string }

/** Somebody on the way out: their session has ended, and their browser goes from one partner to the next. */
export interface Departure {
  readonly realm: RealmName
  readonly username: string
  /** The session that has ended. */
  readonly sid: string
  readonly stops: readonly Stop[]
  readonly asides: readonly Aside[]
  readonly ending: Ending
}

/** Where the browser waits for an answer. */
export function stopUnderWay({ stops }: Departure): Stop | undefined {
  return stops.find(({ state }) => state === 'sent')
}

export function nextStop({ stops }: Departure): Stop | undefined {
  return stops.find(({ state }) => state === 'waiting')
}

/** Whether everybody whom the browser was taken to has said yes, and there was a way to tell all the others. */
export function isComplete({ stops, asides }: Departure): boolean {
  return stops.every(({ state }) => state === 'done') && asides.every(({ way }) => way === 'server')
}

/** The same departure with one stop changed. */
export function withStop(departure: Departure, stop: Stop, change: Partial<Stop>): Departure {
  return { ...departure, stops: departure.stops.map((each) => (each === stop ? { ...each, ...change } : each)) }
}
