import assert from 'node:assert/strict'
import { fault } from '../errors.ts'
import type { AskedRequest } from '../session/transactions.ts'

/** Transactions in a list; a test approves what was asked. */
export class FakeTransactions {
  readonly asked: { readonly id: string; readonly request: AskedRequest }[] = []
  readonly #approved: { readonly id: string; readonly key: string }[] = []
  outage = false
  full = false

  readonly ask = (request: AskedRequest): Promise<string | undefined> => {
    if (this.full) return Promise.resolve(undefined)
    const id = transactionId(this.asked.length + 1)
    this.asked.push({ id, request })
    return Promise.resolve(id)
  }

  readonly redeem = (request: AskedRequest, id?: string): Promise<string | undefined> => {
    if (this.outage) return Promise.reject(fault('GH_STORE_UNAVAILABLE'))
    const isMeant = (given: { readonly id: string }): boolean => id === undefined || given.id === id
    const index = this.#approved.findIndex((given) => given.key === keyOf(request) && isMeant(given))
    if (index === -1) return Promise.resolve(undefined)
    return Promise.resolve(this.#approved.splice(index, 1)[0]?.id)
  }

  /** Approves what was asked last. Its id. */
  approve(): string {
    const last = this.asked.at(-1)
    assert.ok(last !== undefined, 'nothing was asked')
    this.#approved.push({ id: last.id, key: keyOf(last.request) })
    return last.id
  }
}

/** The id that the n-th transaction gets. */
export function transactionId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}

function keyOf({ session: { sid, realm }, ...request }: AskedRequest): string {
  return JSON.stringify({ sid, realm, ...request })
}
