/** What is said to one client, in its language. */
export interface Speech {
  /** Tag of the language. */
  readonly tag: string
  /** The message of a key, or the text itself where it is none. */
  readonly say: (text: string, parameters?: Readonly<Record<string, string>>) => string
  /** How long ago that was. `at`: milliseconds since the epoch. */
  readonly ago: (at: number) => string
}

/** Chooses the language: what the address asks for goes before what the client prefers. */
export type Speak = (asked: {
  readonly locale: string | undefined
  readonly acceptLanguage: string | undefined
}) => Speech
