import { GatehouseError } from '../errors.ts'

/**
 * GH_STORE_UNAVAILABLE where the store was reached and does not know what it was asked for, but cannot prove that it would. Whoever
 * overlooks an outage must not overlook this: what is asked for may well have ended.
 */
export class UnprovedAbsence extends GatehouseError {
  constructor(cause: unknown) {
    const why = cause instanceof GatehouseError ? cause.detail : cause instanceof Error ? cause.message : undefined
    super('GH_STORE_UNAVAILABLE', { cause, detail: why ?? 'it may be there elsewhere' })
  }
}
