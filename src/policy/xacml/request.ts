import type { StatusCode } from './identifiers.ts'

/** A value as it is written, without the space around it where its type does not count space. */
export interface XacmlValue {
  /** The URI of its data type. */
  readonly type: string
  readonly text: string
}

export interface XacmlAttribute {
  readonly id: string
  readonly issuer: string | undefined
  /** It is to stand in the answer. */
  readonly includeInResult: boolean
  readonly values: readonly XacmlValue[]
}

/** The attributes of one of a request's parties: a subject, a resource (XACML Core 3.0 §5.44). */
export interface XacmlCategory {
  /** A URI. */
  readonly category: string
  /** By which `references` name it. */
  readonly id: string | undefined
  readonly attributes: readonly XacmlAttribute[]
}

/** What both forms of a request say (XACML Core 3.0 §5.42). */
export interface XacmlRequest {
  readonly returnPolicyIdList: boolean
  readonly combinedDecision: boolean
  readonly categories: readonly XacmlCategory[]
  /** Each asks for one decision about the categories that it names; `undefined` where there are none (§5.50). */
  readonly references: readonly (readonly string[])[] | undefined
}

export type RequestReading =
  | { readonly kind: 'request'; readonly request: XacmlRequest }
  /** No request at all, and what is wrong with it. */
  | { readonly kind: 'malformed'; readonly message: string }

/** An attribute as a status says that it is missing (XACML Core 3.0 §5.58). */
export interface MissingAttribute {
  readonly category: string
  readonly id: string
  readonly type: string
}

/** Why there is no decision. */
export interface XacmlProblem {
  readonly code: Exclude<StatusCode, 'ok'>
  readonly message: string
  readonly missing?: MissingAttribute
}
