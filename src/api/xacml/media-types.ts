import Negotiator from 'negotiator'
import { readJsonRequest } from '../../policy/xacml/read-json.ts'
import { readXmlRequest } from '../../policy/xacml/read-xml.ts'
import type { RequestReading } from '../../policy/xacml/request.ts'
import type { XacmlResult } from '../../policy/xacml/result.ts'
import { writeJsonResponse } from '../../policy/xacml/write-json.ts'
import { writeXmlResponse } from '../../policy/xacml/write-xml.ts'

/** One of the two forms in which XACML is spoken. */
export interface XacmlForm {
  /** What answers are, where the client does not ask for another of the names. */
  readonly type: string
  /** Under which names it is known, the proper one first. */
  readonly names: readonly [string, ...string[]]
  /** Values of the parameter `version`. */
  readonly versions: readonly string[]
  read(text: string): RequestReading
  write(results: readonly XacmlResult[]): string
}

/** RFC 7061. */
const XML: XacmlForm = {
  type: 'application/xacml+xml; version=3.0',
  names: ['application/xacml+xml', 'application/xml'],
  versions: ['3.0'],
  read: readXmlRequest,
  write: writeXmlResponse,
}

/** JSON Profile of XACML 3.0 Version 1.1 §8. */
const JSON_PROFILE: XacmlForm = {
  type: 'application/xacml+json',
  names: ['application/xacml+json', 'application/json'],
  versions: ['3.0', '1.0', '1.1'],
  read: readJsonRequest,
  write: writeJsonResponse,
}

const FORMS = [JSON_PROFILE, XML]

/** Characters of a header that are looked at. */
const LONGEST = 1_024

/** Name, then parameters. */
const PARAMETER = /^\s*([a-z]+)\s*=\s*"?([\w.-]+)"?\s*$/i

/** The form of a body; `undefined`: another, another version, or another encoding than UTF-8 (415). */
export function formOf(contentType: string | undefined): XacmlForm | undefined {
  const [name = '', ...parameters] = (contentType ?? '').slice(0, LONGEST).split(';')
  const form = FORMS.find(({ names }) => names.includes(name.trim().toLowerCase()))
  const areKnown = parameters.every((text) => {
    const [, key = '', value = ''] = PARAMETER.exec(text) ?? []
    if (key.toLowerCase() === 'charset') return value.toLowerCase() === 'utf-8'
    return key.toLowerCase() === 'version' && form?.versions.includes(value) === true
  })
  return areKnown ? form : undefined
}

/** A form, and the name under which it goes out. */
export interface AcceptedForm {
  readonly form: XacmlForm
  readonly type: string
}

/** The form that an `Accept` header wants most, that of the request where it does not care; `undefined`: none (406). */
export function acceptedForm(accept: string | undefined, asked: XacmlForm): AcceptedForm | undefined {
  if (accept === undefined || accept === '') return { form: asked, type: asked.type }
  if (accept.length > LONGEST) return undefined
  const offered = [asked, ...FORMS.filter((form) => form !== asked)].flatMap((form) =>
    form.names.flatMap((name) => form.versions.map((version) => `${name};version=${version}`)),
  )
  const [wanted] = new Negotiator({ headers: { accept } }).mediaTypes(offered)
  const form = wanted === undefined ? undefined : formOf(wanted)
  if (form === undefined) return undefined
  const [name = ''] = (wanted ?? '').split(';')
  return { form, type: name === form.names[0] ? form.type : name }
}
