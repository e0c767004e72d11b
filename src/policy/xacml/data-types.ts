const XS = 'http://www.w3.org/2001/XMLSchema#'

/** URIs of the data types of XACML Core 3.0 §B.3, by their short names in JSON. */
export const DATA_TYPES = {
  string: `${XS}string`,
  boolean: `${XS}boolean`,
  integer: `${XS}integer`,
  double: `${XS}double`,
  time: `${XS}time`,
  date: `${XS}date`,
  dateTime: `${XS}dateTime`,
  dayTimeDuration: `${XS}dayTimeDuration`,
  yearMonthDuration: `${XS}yearMonthDuration`,
  anyURI: `${XS}anyURI`,
  hexBinary: `${XS}hexBinary`,
  base64Binary: `${XS}base64Binary`,
  rfc822Name: 'urn:oasis:names:tc:xacml:1.0:data-type:rfc822Name',
  x500Name: 'urn:oasis:names:tc:xacml:1.0:data-type:x500Name',
  ipAddress: 'urn:oasis:names:tc:xacml:2.0:data-type:ipAddress',
  dnsName: 'urn:oasis:names:tc:xacml:2.0:data-type:dnsName',
} as const

type Name = keyof typeof DATA_TYPES

const ZONE = '(?:Z|[+-](?:0\\d|1[0-4]):[0-5]\\d)?'
const DATE = '-?\\d{4,9}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?'

/** How values of a type are written. No two parts of any can share characters out between them (ReDoS). */
const FORMS: Readonly<Partial<Record<Name, RegExp>>> = {
  boolean: /^(?:true|false|1|0)$/,
  integer: /^[+-]?\d+$/,
  double: /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN)$/,
  time: new RegExp(`^${TIME}${ZONE}$`),
  date: new RegExp(`^${DATE}${ZONE}$`),
  dateTime: new RegExp(`^${DATE}T${TIME}${ZONE}$`),
  dayTimeDuration: /^-?P(?=[\dT])(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/,
  yearMonthDuration: /^-?P(?=\d)(?:\d+Y)?(?:\d+M)?$/,
  anyURI: /^[^\s<>"{}|\\^`]*$/,
  hexBinary: /^(?:[0-9A-Fa-f]{2})*$/,
  base64Binary: /^[A-Za-z0-9+/\s]*={0,2}$/,
  rfc822Name: /^[^@\s]+@[^@\s]+$/,
  x500Name: /=/,
  ipAddress: /^(?:\d[\d./:-]*|\[[0-9A-Fa-f:.]+\](?:\/\[[0-9A-Fa-f:.]+\])?(?::[\d-]+)?)$/,
  dnsName: /^[A-Za-z0-9*.-]+(?::[\d-]+)?$/,
}

const FORMS_BY_URI = new Map(Object.entries(FORMS).map(([name, form]) => [DATA_TYPES[name as Name], form]))
const URIS: ReadonlyMap<string, string> = new Map(Object.entries(DATA_TYPES))
const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(DATA_TYPES).map(([name, uri]) => [uri, name]))

/** The URI of a type that is named shortly or by its URI already. */
export function typeUri(name: string): string {
  return URIS.get(name) ?? name
}

/** The short name, or for a type of somebody else's its URI. */
export function typeName(uri: string): string {
  return NAMES.get(uri) ?? uri
}

/** The value without the space that its type does not count; `undefined` where it is none of its type. Types of others are taken as they are. */
export function canonicalValue(type: string, text: string): string | undefined {
  const form = FORMS_BY_URI.get(type as (typeof DATA_TYPES)[Name])
  if (form === undefined) return text
  const value = text.trim()
  return form.test(value) ? value : undefined
}
