/** Freezes a value of plain objects, arrays and maps all the way down: nobody changes the configuration in force. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) sealMap(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}

/** `Object.freeze` leaves a map's entries open to change. */
function sealMap(map: Map<unknown, unknown>): void {
  for (const inner of map.values()) deepFreeze(inner)
  const refuse = { value: refuseChange }
  Object.defineProperties(map, { set: refuse, delete: refuse, clear: refuse })
}

function refuseChange(): never {
  throw new TypeError('the configuration is frozen')
}
