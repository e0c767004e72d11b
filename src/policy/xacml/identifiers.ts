const CATEGORY_3 = 'urn:oasis:names:tc:xacml:3.0:attribute-category:'
const SUBJECT_CATEGORY = 'urn:oasis:names:tc:xacml:1.0:subject-category:'

/** Categories by their short names (JSON Profile of XACML 3.0 §4.2.2.1). */
export const CATEGORIES = {
  AccessSubject: `${SUBJECT_CATEGORY}access-subject`,
  RecipientSubject: `${SUBJECT_CATEGORY}recipient-subject`,
  IntermediarySubject: `${SUBJECT_CATEGORY}intermediary-subject`,
  Codebase: `${SUBJECT_CATEGORY}codebase`,
  RequestingMachine: `${SUBJECT_CATEGORY}requesting-machine`,
  Resource: `${CATEGORY_3}resource`,
  Action: `${CATEGORY_3}action`,
  Environment: `${CATEGORY_3}environment`,
} as const

/** Subjects beside the one who wants something: policies here know of one subject. */
export const OTHER_SUBJECTS: readonly string[] = [
  CATEGORIES.RecipientSubject,
  CATEGORIES.IntermediarySubject,
  CATEGORIES.Codebase,
  CATEGORIES.RequestingMachine,
]

const OWN = 'urn:gatehouse:xacml:'

/** Attributes that a decision takes note of. */
export const ATTRIBUTES = {
  subjectId: 'urn:oasis:names:tc:xacml:1.0:subject:subject-id',
  /** The realm that the subject is of. */
  qualifier: 'urn:oasis:names:tc:xacml:1.0:subject:subject-id-qualifier',
  subjectAddress: 'urn:oasis:names:tc:xacml:1.0:subject:authn-locality:ip-address',
  subjectNames: 'urn:oasis:names:tc:xacml:1.0:subject:authn-locality:dns-name',
  ssoToken: `${OWN}subject:sso-token`,
  accessToken: `${OWN}subject:access-token`,
  resourceId: 'urn:oasis:names:tc:xacml:1.0:resource:resource-id',
  policySet: `${OWN}resource:policy-set`,
  actionId: 'urn:oasis:names:tc:xacml:1.0:action:action-id',
  currentTime: 'urn:oasis:names:tc:xacml:1.0:environment:current-time',
  currentDate: 'urn:oasis:names:tc:xacml:1.0:environment:current-date',
  currentDateTime: 'urn:oasis:names:tc:xacml:1.0:environment:current-dateTime',
  address: `${OWN}environment:ip-address`,
  names: `${OWN}environment:dns-name`,
  scopes: `${OWN}environment:scope`,
  transaction: `${OWN}environment:transaction-id`,
} as const

/** What would make one request into one about many resources, or about parts of one (Hierarchical Resource Profile; MDP §2.1, §2.2). */
export const OF_MANY_RESOURCES: readonly string[] = [
  'urn:oasis:names:tc:xacml:1.0:resource:scope',
  'urn:oasis:names:tc:xacml:2.0:resource:scope',
  'urn:oasis:names:tc:xacml:3.0:profile:multiple:content-selector',
  'urn:oasis:names:tc:xacml:3.0:content-selector',
]

/** What comes back with a decision. */
export const OWN_ADVICE = {
  /** With the name of the advice after it. */
  advice: `${OWN}advice:`,
  attributes: `${OWN}advice:response-attributes`,
  validUntil: `${OWN}advice:valid-until`,
} as const

/** Names of what an advice assigns. */
export const ASSIGNED = {
  value: `${OWN}attribute:value`,
  /** With the name of the attribute after it. */
  attribute: `${OWN}response-attribute:`,
} as const

/** With the name of the policy after it. */
export const POLICY_ID = `${OWN}policy:`

const STATUS = 'urn:oasis:names:tc:xacml:1.0:status:'

/** XACML Core 3.0 §B.8. */
export const STATUS_CODES = {
  ok: `${STATUS}ok`,
  'missing-attribute': `${STATUS}missing-attribute`,
  'syntax-error': `${STATUS}syntax-error`,
  'processing-error': `${STATUS}processing-error`,
} as const

export type StatusCode = keyof typeof STATUS_CODES
