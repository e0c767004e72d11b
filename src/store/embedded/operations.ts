import type { EpochMs } from '../../base/brand.ts'
import type { EndCause } from '../../telemetry/audit.ts'
import type { CreateOutcome, OutboxEntry, Quota, SessionPatch, SessionRecord, TokenRecord } from '../store.ts'

interface NamedValue {
  readonly namespace: string
  readonly key: string
  readonly value: string
  readonly ttlMs: number
}

interface Lease {
  readonly name: string
  readonly owner: string
}

interface DocumentId {
  readonly collection: string
  readonly id: string
}

interface Count {
  readonly count: number
  readonly resetsAt: EpochMs
}

/** Every write there is: what the main thread sends and what the writer thread answers. */
export interface WriteTable {
  createSession: {
    input: {
      readonly session: SessionRecord
      readonly token: TokenRecord | undefined
      readonly quota: Quota | undefined
    }
    output: CreateOutcome
  }
  upgradeSession: {
    input: {
      readonly sid: string
      readonly expectedGen: number
      readonly patch: SessionPatch
      readonly token: Omit<TokenRecord, 'gen'> | undefined
    }
    output: SessionRecord | undefined
  }
  addToken: { input: TokenRecord; output: boolean }
  removeTokens: { input: Pick<TokenRecord, 'sid' | 'audience'>; output: boolean }
  touchSessions: { input: readonly { readonly sid: string; readonly at: EpochMs }[]; output: undefined }
  endSession: { input: { readonly sid: string; readonly cause: EndCause }; output: SessionRecord | undefined }
  raiseEpoch: { input: { readonly key: string }; output: number }
  claimOutbox: { input: { readonly limit: number; readonly leaseMs: number }; output: readonly OutboxEntry[] }
  finishOutbox: { input: readonly string[]; output: undefined }
  putOneTime: { input: NamedValue; output: boolean }
  takeOneTime: { input: Pick<NamedValue, 'namespace' | 'key'>; output: string | undefined }
  createVersioned: { input: NamedValue; output: boolean }
  replaceVersioned: { input: NamedValue & { readonly expectedVersion: number }; output: boolean }
  removeVersioned: { input: Pick<NamedValue, 'namespace' | 'key'>; output: undefined }
  addCount: { input: { readonly key: string; readonly amount: number; readonly windowMs: number }; output: Count }
  clearCount: { input: { readonly key: string }; output: undefined }
  acquireLease: { input: Lease & { readonly ttlMs: number }; output: boolean }
  releaseLease: { input: Lease; output: undefined }
  putDocument: { input: DocumentId & { readonly value: string }; output: boolean }
  replaceDocument: {
    input: DocumentId & { readonly expectedVersion: number; readonly value: string }
    output: boolean
  }
  removeDocument: { input: DocumentId; output: undefined }
  probe: { input: undefined; output: undefined }
}

export type WriteName = keyof WriteTable
export type WriteInput<K extends WriteName> = WriteTable[K]['input']
export type WriteOutput<K extends WriteName> = WriteTable[K]['output']

/** One write on its way to the writer thread. `now` is the store's clock at the moment the caller asked. */
export type Operation<K extends WriteName = WriteName> = {
  [N in K]: { readonly name: N; readonly input: WriteInput<N>; readonly now: EpochMs }
}[K]

/** How the writer thread does each of them, inside a transaction. */
export type WriteHandlers<K extends WriteName = WriteName> = {
  readonly [N in K]: (input: WriteInput<N>, now: EpochMs) => WriteOutput<N>
}

/**
 * Writes that must outlive a power cut once they are answered: whatever may kill a secret, values that must not come back to be
 * used twice, and documents (keys, credentials). A login or a touch lost with the power costs its user one more login at most.
 */
const DURABLE: ReadonlySet<WriteName> = new Set([
  'upgradeSession',
  'addToken',
  'removeTokens',
  'endSession',
  'raiseEpoch',
  'putOneTime',
  'takeOneTime',
  'putDocument',
  'replaceDocument',
  'removeDocument',
] satisfies readonly WriteName[])

function mayEndOthers(quota: Quota | undefined): boolean {
  return quota !== undefined && quota.action !== 'DENY_ACCESS'
}

export function isDurable(operation: Operation): boolean {
  if (operation.name === 'createSession') return mayEndOthers(operation.input.quota)
  return DURABLE.has(operation.name)
}

export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

export type ToWriter =
  | { readonly kind: 'batch'; readonly operations: readonly Operation[] }
  | { readonly kind: 'close' }

/** `committed`: one outcome per operation, in order. `failed`: nothing of the batch was written. */
export type FromWriter =
  | { readonly kind: 'committed'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'failed'; readonly error: unknown }
