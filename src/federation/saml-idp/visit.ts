import type { LoginGate } from '../login-gate.ts'

/** A page of the identity provider's, for who draws it. */
export type IdpPage =
  /** Takes a message to a partner: a form that sends itself on, or is sent by its button. */
  | {
      readonly kind: 'post'
      readonly partner: string
      readonly action: string
      readonly fields: readonly (readonly [name: string, value: string])[]
    }
  /** Policies do not let the person in there. */
  | {
      readonly kind: 'turned-away'
      readonly partner: string
      readonly username: string
      readonly policies: readonly string[]
      readonly action: string
    }
  /** Nothing that could be answered to a partner. `reason`: for who helps the person. */
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 404 | 503; readonly reason: string }

/** One request of a browser at an identity provider. */
export interface IdpVisit {
  readonly method: string
  /** What stands behind the question mark, as sent. */
  readonly search: string
  readonly gate: LoginGate
  readonly requestId: string
  readonly clientIp: string
  /** A parameter of the address that was given exactly once, decoded. */
  query(name: string): string | undefined
  /** A field of the form that was given exactly once. */
  field(name: string): string | undefined
  /** Whether the form came from a page of the login host. */
  sameOrigin(): boolean
  page(page: IdpPage): void
  redirect(location: string): void
}
