import { fault } from '../errors.ts'
import type { JsonValue } from '../crypto/seal.ts'
import type { AuthModule, AuthModuleInput, ModuleOutcome } from './modules/module.ts'
import { asksSomething } from './step.ts'
import type { Turn } from './turn.ts'

export interface PageOutcome {
  readonly outcome: ModuleOutcome
  /** Whose it is. */
  readonly module: AuthModule
}

/**
 * Runs the module whose turn it is. Where another stands beside it, both ask on one page, and whoever was answered judges: a passkey
 * out of the name field's suggestions, or else the name and password that were typed.
 */
export async function runPage({ module, beside }: Turn, input: AuthModuleInput): Promise<PageOutcome> {
  const states = statesOf(input.state)
  if (beside === undefined || states === undefined) return { outcome: await module.process(input), module }
  const [own, theirs] = states
  const { answers } = input
  const page = await module.process({ ...input, state: own, answers: undefined })
  // It asks nothing, and is through with this.
  if (page.kind !== 'ask') return { outcome: page, module }
  const asking = page.callbacks.filter(asksSomething)
  if (answers === undefined) {
    const offer = await asked(beside, { ...input, state: theirs })
    const added = offer.callbacks.filter(asksSomething)
    const outputs = [...page.callbacks, ...offer.callbacks].filter((callback) => !asksSomething(callback))
    const state = [BOTH, page.state ?? null, offer.state ?? null]
    return { outcome: { kind: 'ask', callbacks: [...asking, ...added, ...outputs], state }, module }
  }
  const others = answers.slice(asking.length)
  return others.some((answer) => answer !== '')
    ? { outcome: await beside.process({ ...input, state: theirs, answers: others }), module: beside }
    : { outcome: await module.process({ ...input, state: own, answers: answers.slice(0, asking.length) }), module }
}

const BOTH = 'both'

async function asked(module: AuthModule, input: AuthModuleInput): Promise<Extract<ModuleOutcome, { kind: 'ask' }>> {
  const outcome = await module.process({ ...input, answers: undefined })
  if (outcome.kind === 'ask') return outcome
  throw fault('GH_INTERNAL', { detail: `module ${module.name} did not ask when it got no answers` })
}

/** `undefined` for the state of a module that was answered and asks on, alone. */
function statesOf(state: JsonValue | undefined): readonly [JsonValue | undefined, JsonValue | undefined] | undefined {
  if (state === undefined) return [undefined, undefined]
  const [what, own, theirs] = Array.isArray(state) ? (state as readonly JsonValue[]) : []
  return what === BOTH ? [own ?? undefined, theirs ?? undefined] : undefined
}
