import { createHash } from 'node:crypto'
import type { RenderedPage } from '../http/refusal-page.ts'

/** What a page may say of a refusal. */
export interface PageValues {
  readonly requestId: string
  readonly status: string
  readonly message: string
  readonly site: string
  readonly username: string
  readonly logoutUrl: string
}

const NAMES: ReadonlySet<string> = new Set<keyof PageValues>([
  'requestId',
  'status',
  'message',
  'site',
  'username',
  'logoutUrl',
])

const PLACE = /\{\{([^{}]*)\}\}/

/** What is wrong with a template, and what to do; `undefined` for nothing. */
export function templateProblem(text: string): string | undefined {
  if (text.trim() === '') return 'this page is empty'
  if (/<script/i.test(text)) return 'browsers run no script on such a page (its content security policy); remove it'
  const parts = text.split(PLACE)
  const unknown = parts.find((part, i) => i % 2 === 1 && !NAMES.has(part.trim()))
  if (unknown !== undefined) return `there is no {{${unknown}}}; write one of ${[...NAMES].join(', ')}`
  const styled = stylesOf(text)
  if (styled.some((css) => PLACE.test(css))) return 'nothing is filled in inside of style elements; remove the {{…}}'
  return undefined
}

/** Compiled at load; rendering is a join. */
export function compileTemplate(text: string): (values: PageValues) => RenderedPage {
  const parts = text.split(PLACE).map((part, i) => (i % 2 === 1 ? part.trim() : part))
  const hashes = stylesOf(text).map((css) => `'sha256-${createHash('sha256').update(css).digest('base64')}'`)
  const style = hashes.length === 0 ? `'none'` : hashes.join(' ')
  const policy = `default-src 'none'; style-src ${style}; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
  return (values) => ({
    html: parts.map((part, i) => (i % 2 === 1 ? escape(valueOf(values, part)) : part)).join(''),
    headers: { 'content-security-policy': policy },
  })
}

function valueOf(values: PageValues, name: string): string {
  return Object.hasOwn(values, name) ? values[name as keyof PageValues] : ''
}

/** Browsers apply a style element whose hash is named, and no other (CSP Level 3 §6.7.2.3). */
function stylesOf(text: string): readonly string[] {
  return [...text.matchAll(/<style[^>]*>([\s\S]*?)<\/style/gi)].map(([, css = '']) => css.replaceAll('\r\n', '\n'))
}

/** Everything but what means nothing anywhere: a blank would end an attribute that somebody wrote without quotes. */
function escape(text: string): string {
  return text.replace(/[^A-Za-z0-9_./:-]/gu, (char) => `&#${char.codePointAt(0) ?? 0};`)
}
