/*
 * JSON escapes controls below U+0020. What it leaves can still rewrite a terminal or a log viewer: DEL and the C1 controls
 * (CSI as one byte), the line separators that some parsers split at, and characters that reorder or hide text (Trojan Source).
 */
const UNSAFE =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/

const UNSAFE_ALL = new RegExp(UNSAFE.source, 'g')

function escapeUnit(text: string): string {
  let escaped = ''
  for (let i = 0; i < text.length; i++) escaped += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`
  return escaped
}

/** A line of JSON as the same JSON in which nothing breaks the line, drives a terminal, or reorders or hides what follows. */
export function oneLine(json: string): string {
  return UNSAFE.test(json) ? json.replace(UNSAFE_ALL, escapeUnit) : json
}
