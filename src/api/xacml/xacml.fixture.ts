import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { DATA_TYPES } from '../../policy/xacml/data-types.ts'
import { ATTRIBUTES, CATEGORIES } from '../../policy/xacml/identifiers.ts'
import { createLoginHost, type LoginHostOptions } from '../login-host.fixture.ts'
import { EMPLOYEES, employeesPolicies } from '../openam/policies/policies.fixture.ts'

export const PDP = '/xacml/realms/root/realms/employees/pdp'
export const SITE = 'http://app.acme.test:80'

type Value = string | number | boolean

/** An attribute as JSON has it. */
export interface Attribute {
  readonly AttributeId: string
  readonly Value: Value | readonly Value[]
  readonly DataType?: string
  readonly Issuer?: string
  readonly IncludeInResult?: boolean
}

export interface Category {
  readonly CategoryId: string
  readonly Id?: string
  readonly Attribute: readonly Attribute[]
}

export interface Asked {
  readonly Category: readonly Category[]
  readonly ReturnPolicyIdList?: boolean
  readonly CombinedDecision?: boolean
  readonly MultiRequests?: { readonly RequestReference: readonly { readonly ReferenceId: readonly string[] }[] }
}

export function subject(...attributes: readonly Attribute[]): Category {
  return { CategoryId: CATEGORIES.AccessSubject, Attribute: attributes }
}

export function named(username: string): Category {
  return subject({ AttributeId: ATTRIBUTES.subjectId, Value: username })
}

export function withToken(token: string): Category {
  return subject({ AttributeId: ATTRIBUTES.ssoToken, Value: token })
}

export function resource(url: string, ...more: readonly Attribute[]): Category {
  return {
    CategoryId: CATEGORIES.Resource,
    Attribute: [{ AttributeId: ATTRIBUTES.resourceId, Value: url, DataType: 'anyURI' }, ...more],
  }
}

export function action(name: string): Category {
  return { CategoryId: CATEGORIES.Action, Attribute: [{ AttributeId: ATTRIBUTES.actionId, Value: name }] }
}

export function environment(...attributes: readonly Attribute[]): Category {
  return { CategoryId: CATEGORIES.Environment, Attribute: attributes }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '"': '&quot;' }
const escaped = (text: string): string => text.replaceAll(/[&<"]/g, (found) => ESCAPES[found] ?? found)

function inferred(value: Value): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'double'
  return typeof value
}

/** The same request in XML. */
export function asXml({
  Category,
  ReturnPolicyIdList = false,
  CombinedDecision = false,
  MultiRequests,
}: Asked): string {
  const uri = (name: string): string => Object.entries(DATA_TYPES).find(([known]) => known === name)?.[1] ?? name
  const values = ({ Value, DataType }: Attribute): string =>
    [Value]
      .flat()
      .map(
        (each) =>
          `<AttributeValue DataType="${uri(DataType ?? inferred(each))}">${escaped(String(each))}</AttributeValue>`,
      )
      .join('')
  const attribute = (each: Attribute): string =>
    `<Attribute AttributeId="${escaped(each.AttributeId)}" IncludeInResult="${each.IncludeInResult ?? false}"${each.Issuer === undefined ? '' : ` Issuer="${escaped(each.Issuer)}"`}>${values(each)}</Attribute>`
  const category = ({ CategoryId, Id, Attribute }: Category): string =>
    `<Attributes Category="${escaped(CategoryId)}"${Id === undefined ? '' : ` xml:id="${Id}"`}>${Attribute.map(attribute).join('')}</Attributes>`
  const references = MultiRequests?.RequestReference.map(
    ({ ReferenceId }) =>
      `<RequestReference>${ReferenceId.map((id) => `<AttributesReference ReferenceId="${id}"/>`).join('')}</RequestReference>`,
  )
  const multi = references === undefined ? '' : `<MultiRequests>${references.join('')}</MultiRequests>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" ReturnPolicyIdList="${ReturnPolicyIdList}" CombinedDecision="${CombinedDecision}">${Category.map(category).join('')}${multi}</Request>`
}

/** One result in JSON. */
export interface Result {
  readonly Decision: string
  readonly Status: {
    readonly StatusCode: { readonly Value: string }
    readonly StatusMessage?: string
    readonly StatusDetail?: { readonly MissingAttributeDetail: readonly { readonly AttributeId: string }[] }
  }
  readonly AssociatedAdvice?: readonly {
    readonly Id: string
    readonly AttributeAssignment: readonly { readonly AttributeId: string; readonly Value: string }[]
  }[]
  readonly Category?: readonly Category[]
  readonly PolicyIdentifierList?: { readonly PolicyIdReference: readonly { readonly Id: string }[] }
}

/** Last part of its status code. */
export function codeOf({ Status }: Result): string | undefined {
  return Status.StatusCode.Value.split(':').at(-1)
}

/** An administrator who asks about people of `/employees`. */
export async function startPdp(t: TestContext, options: LoginHostOptions = {}) {
  const policiesOf = (realm: string) => (realm === EMPLOYEES ? employeesPolicies() : undefined)
  const host = await createLoginHost(t, { policiesOf, ...options })
  const { token: admin } = await host.signIn('root', '/')
  const post = async (body: string, type: string, headers: Readonly<Record<string, string>> = {}) => {
    const all = {
      'content-type': type,
      ...(headers['authorization'] === undefined && { SSOTokenID: admin }),
      ...headers,
    }
    const answer = await fetch(host.url + PDP, { method: 'POST', headers: all, body })
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      headers: answer.headers,
      text: await answer.text(),
    }
  }
  /** Asks in both forms; they have to come to the same. */
  const ask = async (asked: Asked): Promise<readonly Result[]> => {
    const [json, xml] = [
      await post(JSON.stringify({ Request: asked }), 'application/xacml+json'),
      await post(asXml(asked), 'application/xacml+xml', { accept: 'application/xacml+json' }),
    ]
    assert.deepEqual([json.status, xml.status], [200, 200], `${json.text}${xml.text}`)
    assert.deepEqual(JSON.parse(xml.text), JSON.parse(json.text))
    return (JSON.parse(json.text) as { readonly Response: readonly Result[] }).Response
  }
  const askOne = async (...Category: readonly Category[]): Promise<Result> => {
    const results = await ask({ Category, ReturnPolicyIdList: true })
    assert.equal(results.length, 1)
    return results[0] ?? assert.fail()
  }
  return { host, admin, post, ask, askOne }
}
