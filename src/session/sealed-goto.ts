import { openUnder, sealUnder } from '../crypto/under-secret.ts'
import { fault } from '../errors.ts'

/*
 * The address that a person wanted may carry an application's secrets in its query, and deleted records stay in the files of a
 * database for a while: what is sealed under the code opens for nobody who reads the store.
 */

const PURPOSE = 'gatehouse handshake goto'

export function sealGoto(code: string, goto: string): string {
  return sealUnder(code, PURPOSE, goto)
}

/** @throws GH_INTERNAL for what was not sealed under this code: the store hands out what it was given. */
export function openGoto(code: string, sealed: string): string {
  const plain = openUnder(code, PURPOSE, sealed)
  if (plain === undefined) throw fault('GH_INTERNAL', { detail: 'the address of a handshake does not open' })
  return plain
}
