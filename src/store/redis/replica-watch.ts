/**
 * Longer than sentinels take from the promotion of a replica until the others leave the old primary: they hear of the promotion within a
 * second.
 */
export const HELD_MS = 3_000

/**
 * Whether a replica has left its primary a moment ago. It may have been promoted, and until the other replicas are told they go on
 * confirming what the old primary writes, all of which is lost when they go over.
 */
export class ReplicaWatch {
  readonly #now: () => number
  #server = ''
  #most = 0
  #last = 0
  #heldUntil: number | undefined

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** `replicas`: how many this server (a run id) has now. */
  hasLost(server: string, replicas: number): boolean {
    if (server !== this.#server || replicas >= this.#most) this.#begin(server, replicas)
    else {
      // The one that leaves while another one is away may be the one.
      if (this.#heldUntil === undefined || replicas < this.#last) this.#heldUntil = this.#now() + HELD_MS
      if (this.#now() >= this.#heldUntil) this.#begin(server, replicas)
    }
    this.#last = replicas
    return this.#heldUntil !== undefined
  }

  #begin(server: string, replicas: number): void {
    this.#server = server
    this.#most = replicas
    this.#heldUntil = undefined
  }
}
