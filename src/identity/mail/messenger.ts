/** One message to one person. */
export interface Message {
  /** A mail address, or a telephone number. */
  readonly to: string
  /** Name of the sender: what people call the realm. */
  readonly from: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Takes messages to where people read them. Never rejects: what went wrong is in the log. */
export interface Messenger {
  /** Whether it is on its way. False when the service cannot be reached, refuses it, takes too long, or too many wait. */
  send(message: Message): Promise<boolean>
  /** Whether one could be sent: asks the service, as far as that can be asked, and takes about as long. */
  probe(): Promise<boolean>
  /** Lets what is under way finish, as long as sending one may take. */
  close(): Promise<void>
}

/** What there is to reach people with. */
export interface Messengers {
  readonly mail?: Messenger | undefined
  readonly sms?: Messenger | undefined
}

/** Runs work with a bound on how much is under way, and on how long each is waited for. */
export function createBoundedRunner({ atMost, timeoutMs }: { readonly atMost: number; readonly timeoutMs: number }) {
  const underWay = new Set<Promise<unknown>>()
  return {
    /** The answer of the work; `undefined` when there is too much already, or it took too long. Rejects as the work does. */
    async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
      if (underWay.size >= atMost) return undefined
      const signal = AbortSignal.timeout(timeoutMs)
      // It may go on behind the time-out, and counts as long as it does.
      const job = work(signal)
      const counted: Promise<unknown> = job.then(
        () => underWay.delete(counted),
        () => underWay.delete(counted),
      )
      underWay.add(counted)
      const late = new Promise<undefined>((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined), { once: true })
      })
      return Promise.race([job, late])
    },
    async idle(): Promise<void> {
      const late = new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())
      await Promise.race([Promise.all(underWay), late])
    },
  }
}
