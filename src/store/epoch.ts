/**
 * The document that names the life of the store: a random value, written once when the store is created empty. A store that lost
 * its data has another one, and what was issued under the old one and cannot be looked up (stateless tokens) is refused.
 */
export const EPOCH = { collection: 'store', id: 'epoch' } as const
