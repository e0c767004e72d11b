import { createHook } from 'node:async_hooks'

const kept: object[] = []

/**
 * Keeps V8 from forgetting the shape of the objects behind `process.nextTick`, of which node makes ten for each request. They have
 * computed keys and never live long: when a full collection meets none of them, their hidden classes die, the next call meets new
 * ones, and from then on `nextTick` makes each object by a call into the runtime (0.45 µs in place of 0.06, for good). One such
 * object that stays alive is all it takes. Called once, as the first thing a process does: after the configuration was read it is too late.
 * @returns what is kept
 * @see docs/decisions/0009-hot-path.md
 */
export function keepTickShape(): readonly object[] {
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TickObject') kept.push(resource)
    },
  }).enable()
  process.nextTick(ignore)
  process.nextTick(ignore, undefined)
  hook.disable()
  return kept
}

function ignore(): void {
  // Only its object matters.
}
