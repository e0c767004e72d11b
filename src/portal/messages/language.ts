import Negotiator from 'negotiator'
import { de } from './de.ts'
import { en, type Catalogue, type MessageKey } from './en.ts'
import { es } from './es.ts'
import { fr } from './fr.ts'
import { ja } from './ja.ts'

export type LanguageTag = 'en' | 'de' | 'fr' | 'es' | 'ja'

/** One language: its name in itself, its direction and its messages. */
export interface Language {
  readonly tag: LanguageTag
  readonly name: string
  readonly direction: 'ltr' | 'rtl'
  readonly messages: Catalogue
}

export const LANGUAGES: readonly [Language, ...Language[]] = [
  { tag: 'en', name: 'English', direction: 'ltr', messages: en },
  { tag: 'de', name: 'Deutsch', direction: 'ltr', messages: de },
  { tag: 'fr', name: 'Français', direction: 'ltr', messages: fr },
  { tag: 'es', name: 'Español', direction: 'ltr', messages: es },
  { tag: 'ja', name: '日本語', direction: 'ltr', messages: ja },
]

const DEFAULT = LANGUAGES[0]
const TAGS = LANGUAGES.map((language) => language.tag)

/** Longer headers are not read: a browser's has under 200 characters. */
const HEADER_LIMIT = 1_024

/** The language named by a tag or by the primary part of one (`de`, `de-AT`, `de_AT`); `undefined` for one we do not speak. */
export function languageOf(tag: string | undefined): Language | undefined {
  const primary = tag?.split(/[-_]/, 1)[0]?.toLowerCase()
  return LANGUAGES.find((language) => language.tag === primary)
}

/** The best we have for an `Accept-Language` value (RFC 9110 §12.5.4); English where nothing fits. */
export function negotiateLanguage(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined || acceptLanguage.length > HEADER_LIMIT) return DEFAULT
  const wanted = new Negotiator({ headers: { 'accept-language': acceptLanguage } }).languages([...TAGS])
  return languageOf(wanted[0]) ?? DEFAULT
}

export type MessageParameters = Readonly<Record<string, string>>

/** A message in a language with its placeholders filled in. The result is plain text: templates escape it. */
export function say(language: Language, key: MessageKey, parameters: MessageParameters = {}): string {
  return language.messages[key].replace(/\{(\w+)\}/g, (_, name: string) => isolate(parameters[name] ?? ''))
}

/** Seconds in words of the language, in minutes from two minutes up: "30 seconds", "3 minutes". */
export function sayDuration(language: Language, seconds: number): string {
  const [value, unit] =
    seconds < 120 ? [Math.max(1, Math.ceil(seconds)), 'second'] : [Math.ceil(seconds / 60), 'minute']
  return new Intl.NumberFormat(language.tag, { style: 'unit', unit, unitDisplay: 'long' }).format(value)
}

/** How long ago, in the largest unit that fits: "now", "5 minutes ago", "yesterday". */
export function sayAgo(language: Language, ms: number): string {
  const format = agoFormat(language.tag)
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes === 0) return format.format(0, 'second')
  if (minutes < 60) return format.format(-minutes, 'minute')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? format.format(-hours, 'hour') : format.format(-Math.floor(hours / 24), 'day')
}

/** A moment, to the minute and in UTC: the server does not know where the reader is. `at`: milliseconds since the epoch. */
export function sayInstant(language: Language, at: number): string {
  return `${instantFormat(language.tag).format(at)} UTC`
}

/** A list says many times when something was, and a formatter costs more to make than to use. */
const agoFormat = oncePerLanguage((tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }))
const instantFormat = oncePerLanguage(
  (tag) => new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }),
)

function oncePerLanguage<T>(make: (tag: LanguageTag) => T): (tag: LanguageTag) => T {
  const made = new Map<LanguageTag, T>()
  return (tag) => {
    const known = made.get(tag) ?? make(tag)
    made.set(tag, known)
    return known
  }
}

const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

/** Keeps a value from reordering the sentence around it: a name must not be able to say something else (bidi spoofing). */
function isolate(value: string): string {
  const plain = value.replace(BIDI_CONTROLS, '')
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain
}
