import type { Advices } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { HeaderList } from './upstream/upstream.ts'
import type { Site } from './site.ts'

export type RefusalReason =
  'bad-request-target' | 'bad-host' | 'unknown-host' | 'method-not-allowed' | 'websocket-origin' | 'websocket-malformed'

export type DenyReason = 'policy' | 'frame-or-script-login'

/** What the gateway will do with one request. Nothing has been written to the client yet. */
export type Verdict =
  | {
      readonly kind: 'forward'
      readonly site: Site
      /** `undefined` on not-enforced paths. */
      readonly session: Session | undefined
      /** Identity headers, already named and encoded; the upstream gets exactly these. */
      readonly identity: HeaderList
    }
  | { readonly kind: 'login'; readonly site: Site; readonly advices: Advices | undefined }
  | {
      readonly kind: 'deny'
      readonly site: Site
      readonly session: Session
      readonly reason: DenyReason
      readonly policies: readonly string[]
    }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'refuse'; readonly status: 400 | 403 | 405 | 421 | 431; readonly reason: RefusalReason }
