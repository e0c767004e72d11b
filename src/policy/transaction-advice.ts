/** What the approval of a transaction takes, in OpenAM's words for it (`authenticationStrategy` of the Transaction condition). */
export const TRANSACTION_STRATEGIES = ['AuthLevel', 'AuthScheme', 'AuthenticateToService'] as const

export type TransactionStrategy = (typeof TRANSACTION_STRATEGIES)[number]

/** What has to be proved anew, besides that it is the same person. */
export interface Requirement {
  readonly strategy: TransactionStrategy
  /** A level, or the name of a module or chain. */
  readonly specifier: string
}

/** One value of the TransactionConditionAdvice that a policy gives. */
export function formatRequirement(strategy: TransactionStrategy, specifier: string): string {
  return `${strategy}:${specifier}`
}

/** `undefined` for what `formatRequirement` did not write. */
export function parseRequirement(text: string): Requirement | undefined {
  const [name = '', specifier] = text.split(':')
  const strategy = TRANSACTION_STRATEGIES.find((each) => each === name)
  return strategy === undefined || specifier === undefined ? undefined : { strategy, specifier }
}
