import { isDeepStrictEqual } from 'node:util'
import { Document, isCollection, isMap, isPair, isScalar, isSeq, visit, type YAMLMap, type YAMLSeq } from 'yaml'
import type { ItemEdit } from '../base/kept-list.ts'
import { parseSource } from './source-document.ts'
import { literally } from './template.ts'

/** A whole file of policies. `looks`: by name of a policy, what is written above it for whoever reads it. */
export function policiesText(
  file: Readonly<Record<'policySets' | 'resourceTypes' | 'policies', readonly object[]>>,
  { heading, looks }: { readonly heading: string; readonly looks: ReadonlyMap<string, readonly string[]> },
): string {
  const document = new Document({})
  for (const [section, list] of Object.entries(file)) {
    if (list.length === 0 && section !== 'policies') continue
    const items = document.createNode([]) as YAMLSeq
    for (const value of list) {
      const item = nodeOf(document, value)
      const name = 'name' in value ? String(value.name) : ''
      const lines = section === 'policies' ? (looks.get(name) ?? []) : []
      if (lines.length > 0) item.commentBefore = lines.map(comment).join('\n')
      item.spaceBefore = items.items.length > 0 && section === 'policies'
      items.add(item)
    }
    document.set(section, items)
  }
  document.commentBefore = heading.split('\n').map(comment).join('\n')
  return document.toString(FORM)
}

const FORM = { lineWidth: 0, singleQuote: true, flowCollectionPadding: true } as const

/** No line of a comment may end before its text does. */
function comment(text: string): string {
  return ` ${text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')}`
}

/**
 * The text of a file with some policies changed. Comments, order and whatever the change does not touch stay; what a policy says in the same
 * words as before stays as it is written, references to the environment included.
 * @throws TypeError for a text that is not a file of policies with such a policy
 */
export function editPolicies(text: string, ...edits: readonly ItemEdit[]): string {
  const { document } = parseSource('policies.yaml', Buffer.from(text))
  if (document.contents === null) document.contents = document.createNode({}) as unknown as typeof document.contents
  const top: unknown = document.contents
  if (!isMap(top)) throw new TypeError('the file is no mapping')
  const policies = listIn(document, top)
  for (const edit of edits) editItem(document, policies, edit)
  const indentSeq = !/^(?:policies|policySets|resourceTypes):[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*- /m.test(text)
  const edited = document.toString({ ...FORM, indentSeq })
  return text.includes('\r\n') ? edited.replaceAll('\n', '\r\n') : edited
}

function editItem(document: Document, policies: YAMLSeq, { index, before, after }: ItemEdit): void {
  const item: unknown = policies.items[index]
  if (before === undefined) {
    if (policies.items.length === 0) policies.flow = false
    if (after !== undefined) policies.add(nodeOf(document, after))
  } else if (item === undefined) throw new TypeError('the list is shorter than it was')
  else if (after === undefined) policies.items.splice(index, 1)
  else if (isMap(item)) rewrite(document, item, { before, after })
  else policies.items[index] = nodeOf(document, after)
}

function listIn(document: Document, top: YAMLMap): YAMLSeq {
  const list = top.get('policies', true)
  if (isSeq(list)) return list
  if (list !== undefined && !(isScalar(list) && list.value === null)) throw new TypeError('policies is no list')
  const created = document.createNode([]) as YAMLSeq
  top.set('policies', created)
  return created
}

function rewrite(
  document: Document,
  item: YAMLMap,
  { before, after }: { readonly before: object; readonly after: object },
): void {
  const was = new Map<string, unknown>(Object.entries(before))
  // Where nobody said what it says, nothing of it stays.
  const old = was.size === 0 ? item.items.map(({ key }) => String(key)) : was.keys()
  for (const key of [...old]) if (!(key in after)) item.delete(key)
  for (const [key, value] of Object.entries(after) as [string, unknown][]) {
    if (was.has(key) && isDeepStrictEqual(was.get(key), value)) continue
    item.set(key, nodeOf(document, { value }).get('value', true))
  }
}

/** As long as it fits a line, what is in it stands on one. */
const FITTING = 90

function nodeOf(document: Document, value: object): YAMLMap {
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as YAMLMap
  visit(node, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string') scalar.value = literally(scalar.value)
    },
  })
  for (const pair of node.items) if (isPair(pair)) settle(pair.value)
  return node
}

function settle(node: unknown): void {
  if (!isCollection(node)) return
  if (JSON.stringify(node).length <= FITTING) node.flow = true
  else for (const item of node.items) settle(isPair(item) ? item.value : item)
}
