/** Markup that was made here: what is in it from elsewhere is escaped. */
export interface XmlText {
  readonly xml: string
}

type Value = string | number | boolean | undefined

/**
 * One element with its content: texts are escaped, elements put in as they are, `undefined` is left out, attributes too. Names are the
 * code's own. Characters that no XML may have become U+FFFD (XML 1.0 §2.2).
 */
export function element(
  name: string,
  attributes: Readonly<Record<string, Value>> = {},
  ...content: readonly (XmlText | string | undefined | readonly XmlText[])[]
): XmlText {
  const written = Object.entries(attributes)
    .flatMap(([key, value]) => (value === undefined ? [] : [` ${key}="${escapeXml(String(value))}"`]))
    .join('')
  const inner = content.flatMap((each) => (each === undefined ? [] : [inside(each)])).join('')
  return { xml: inner === '' ? `<${name}${written}/>` : `<${name}${written}>${inner}</${name}>` }
}

function inside(part: XmlText | string | readonly XmlText[]): string {
  if (typeof part === 'string') return escapeXml(part)
  return 'xml' in part ? part.xml : part.map(({ xml }) => xml).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A reader makes blanks of these in attributes, and something else of the first anywhere (XML 1.0 §2.11, §3.3.3).
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
}

/** For text and for attributes' values alike (XML 1.0 §2.4). */
export function escapeXml(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[&<>"'\r\n\t]/g, (char) => ENTITIES[char] ?? '')
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}
