/**
 * `exact`: what is written and nothing else; for whatever opens. `loose`: also what an application may take for the same, that is
 * other letter case in path and query, path parameters, a slash at the end and, where the pattern has no `?`, any query; for
 * whatever closes or asks for more. So no spelling is a way around a policy.
 */
export type Precision = 'exact' | 'loose'
