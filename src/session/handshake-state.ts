/** What travels with a browser from an agent to the login host and back, as the parameter `state`. */
export interface HandshakeState {
  /** SHA-256 of the agent's binding cookie in base64url: whose browser began (login CSRF). */
  readonly binding: string
  /** How often this handshake was started over. */
  readonly restarts: number
}

const FORM = /^([A-Za-z0-9_-]{43})\.(\d{1,3})$/

export function formatState({ binding, restarts }: HandshakeState): string {
  return `${binding}.${restarts}`
}

/** `undefined` for everything that `formatState` does not write. */
export function parseState(text: string): HandshakeState | undefined {
  const [, binding, restarts] = FORM.exec(text) ?? []
  return binding === undefined ? undefined : { binding, restarts: Number(restarts) }
}
