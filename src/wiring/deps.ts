import type { Clock } from '../base/clock.ts'
import type { PolicyAdmin } from '../api/ports.ts'
import type { Notifications } from '../api/openam/notifications/notifications.ts'
import type { SessionListeners } from '../api/openam/session-service/listeners.ts'
import type { ModuleTypes } from '../authn/modules/catalogue.ts'
import type { AssertionSigner } from '../crypto/assertion.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import type { Sealer } from '../crypto/seal.ts'
import type { SamlKeys } from '../federation/saml/realm-keys.ts'
import type { Directories } from '../identity/directories.ts'
import type { PasswordHasher } from '../identity/managed/managed-directory.ts'
import type { Messengers } from '../identity/mail/messenger.ts'
import type { Readiness } from '../portal/ports.ts'
import type { PublicFiles } from '../portal/public-files.ts'
import type { BearerResolver } from '../session/bearer.ts'
import type { HandshakeService, SessionService } from '../session/session.ts'
import type { Transactions } from '../session/transactions.ts'
import type { Store } from '../store/store.ts'
import type { AuditSink } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'

/** What lives as long as the process and every generation is built on. */
export interface RuntimeDeps {
  readonly store: Store
  readonly keyRing: KeyRing
  /** Of the realms that speak SAML. */
  readonly samlKeys: SamlKeys
  readonly sealer: Sealer
  readonly hasher: PasswordHasher
  readonly directories: Directories
  readonly signer: AssertionSigner
  readonly sessions: SessionService
  /** Sessions by access token. */
  readonly bearer: BearerResolver
  readonly handshakes: HandshakeService
  /** Approvals of single requests. */
  readonly transactions: Transactions
  readonly files: PublicFiles
  readonly readiness: Readiness
  /** Who listens for the ends of sessions. */
  readonly notifications: Notifications
  /** Agents that are told of the ends of sessions by requests. */
  readonly sessionListeners: SessionListeners
  /** What there is to reach people with. */
  readonly messengers: Messengers
  /** Changes policies in the files of the configuration. */
  readonly policyAdmin: PolicyAdmin
  readonly audit: AuditSink
  readonly log: Log
  readonly clock: Clock
}

/** What one generation is built on: its authentication modules beside what lasts. */
export interface GenerationDeps extends RuntimeDeps {
  readonly moduleTypes: ModuleTypes
}
