import type { Log } from '../telemetry/log.ts'
import type { Ending, ListenerAddress, Member } from './member.ts'

/** A worker that dies at once again and again is started this often, no oftener. */
const LONGEST_PAUSE_MS = 10_000
const FIRST_PAUSE_MS = 100
/** One that lived this long died of something else than its start. */
const SETTLED_MS = 30_000

export interface CrewDeps {
  readonly start: () => Member
  readonly log: Pick<Log, 'error' | 'info'>
}

/** The workers of one parent. */
export interface Crew {
  /**
   * Starts so many; settles with what they listen on when all do. `undefined` when one ended before: it has said why, and the others
   * are ended. The first starts alone, so that what is made once (the store, first keys) is made once.
   */
  start(count: number): Promise<readonly ListenerAddress[] | undefined>
  /** Replaces all by so many new ones, one by one: each listens before the one it replaces drains. False when one cannot start. */
  roll(count: number): Promise<boolean>
  signal(name: NodeJS.Signals): void
  /** Drains all; settles with the first exit code that is not 0, or 0. */
  stop(): Promise<number>
}

interface Place {
  member: Member | undefined
  startedAt: number
  /** Deaths in a row soon after a start. */
  deaths: number
  pause: NodeJS.Timeout | undefined
}

export function createCrew(deps: CrewDeps): Crew {
  return new RunningCrew(deps)
}

class RunningCrew implements Crew {
  readonly #deps: CrewDeps
  readonly #all = new Set<Member>()
  #places: Place[] = []
  #stopping = false
  #rolling: Promise<boolean> | undefined

  constructor(deps: CrewDeps) {
    this.#deps = deps
  }

  async start(count: number): Promise<readonly ListenerAddress[] | undefined> {
    const first = await this.#launch()
    const others = first && (await Promise.all(Array.from({ length: count - 1 }, () => this.#launch())))
    const members = [first, ...(others ?? [])]
    if (!members.every((member) => member !== undefined) || this.#stopping) {
      await this.stop()
      return undefined
    }
    this.#places = members.map((member) => ({ member, startedAt: performance.now(), deaths: 0, pause: undefined }))
    for (const place of this.#places) this.#watch(place)
    return first?.listening
  }

  roll(count: number): Promise<boolean> {
    this.#rolling ??= this.#roll(count).finally(() => (this.#rolling = undefined))
    return this.#rolling
  }

  signal(name: NodeJS.Signals): void {
    for (const member of this.#all) member.signal(name)
  }

  async stop(): Promise<number> {
    this.#stopping = true
    for (const { pause } of this.#places) clearTimeout(pause)
    this.signal('SIGTERM')
    const endings = await Promise.all([...this.#all].map(({ ended }) => ended))
    const codes = endings.filter((ending) => typeof ending === 'number')
    return codes.find((code) => code !== 0) ?? 0
  }

  async #roll(count: number): Promise<boolean> {
    const old = this.#places
    for (let i = 0; i < Math.max(count, old.length); i++) {
      const place = old[i] ?? { member: undefined, startedAt: 0, deaths: 0, pause: undefined }
      const next = i < count ? await this.#launch() : undefined
      if (i < count && next === undefined) return false
      if (this.#stopping) return false
      const before = this.#occupy(place, next)
      if (i >= old.length) this.#places = [...this.#places, place]
      before?.signal('SIGTERM')
      await before?.ended
    }
    this.#places = this.#places.slice(0, count)
    return true
  }

  /** Gives the place to `next`; whoever had it is expected to end from now on. */
  #occupy(place: Place, next: Member | undefined): Member | undefined {
    const before = place.member
    clearTimeout(place.pause)
    place.member = next
    place.startedAt = performance.now()
    if (next !== undefined) this.#watch(place)
    return before
  }

  /** `undefined` when it ended before it listened. */
  async #launch(): Promise<Member | undefined> {
    const member = this.#deps.start()
    this.#all.add(member)
    const gone = member.ended.then(() => {
      this.#all.delete(member)
    })
    const hears = member.listening.then(() => member)
    return (await Promise.race([hears, gone])) ?? undefined
  }

  #watch(place: Place): void {
    const { member } = place
    void member?.ended.then((ending) => {
      if (place.member === member && !this.#stopping) this.#replaceLater(place, member, ending)
    })
  }

  #replaceLater(place: Place, { id, pid }: Member, ending: Ending): void {
    place.deaths = performance.now() - place.startedAt < SETTLED_MS ? place.deaths + 1 : 1
    place.member = undefined
    const inMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (place.deaths - 1))
    this.#deps.log.error({ worker: id, workerPid: pid, ending, inMs }, 'a worker ended; another takes its place')
    place.pause = setTimeout(() => void this.#replace(place), inMs)
  }

  async #replace(place: Place): Promise<void> {
    place.startedAt = performance.now()
    const next = this.#deps.start()
    this.#all.add(next)
    void next.ended.then(() => this.#all.delete(next))
    place.member = next
    this.#watch(place)
    await next.listening
    this.#deps.log.info({ worker: next.id, workerPid: next.pid }, 'a worker took its place')
  }
}
