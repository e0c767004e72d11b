import type { RealmName } from '../base/brand.ts'
import { sha256 } from '../crypto/sha256.ts'
import { BLACK, WHITE, contrast, parseHex, reachContrast, shift, toHex, type Rgb } from './color.ts'
import type { LookConfig } from './look.schema.ts'

/** A realm's look, compiled: everything a page of the realm needs to be recognised. */
export interface Look {
  /** Name of the organisation. */
  readonly title: string
  /** First letter of the title, shown where there is no logo. */
  readonly initial: string
  /** File in the realm's theme folder; `undefined` where there is none. */
  readonly logo: string | undefined
  readonly supportUrl: string | undefined
  /** Style sheet that sets the accent tokens, light and dark. Short, and made of hexadecimal colours only. */
  readonly css: string
  /** Changes with `css`. */
  readonly version: string
}

/** Cards of the two schemes as `public/assets/gatehouse.css` has them; accents are measured against these. */
export const SURFACES = { light: parseHex('#ffffff'), dark: parseHex('#1c2027') } as const
/** The ground of notices, which is harder on coloured text than the card is. */
export const TINTS = { light: parseHex('#f0f3f8'), dark: parseHex('#252b34') } as const

/** WCAG 2.2 §1.4.11 for the button's shape, §1.4.3 for text. */
const SHAPE_RATIO = 3
const TEXT_RATIO = 4.5

export function compileLook(realm: RealmName, config: LookConfig): Look {
  const title = config.title ?? titleOf(realm)
  const css = accentCss(parseHex(config.color))
  return {
    title,
    initial: firstGrapheme(title),
    logo: config.logo,
    supportUrl: httpUrl(config.supportUrl),
    css,
    version: sha256(css).slice(0, 12),
  }
}

/** Accent tokens of one scheme. */
export interface Accent {
  /** Fill of the primary button. */
  readonly fill: Rgb
  readonly fillHover: Rgb
  /** Text upon the fill. */
  readonly on: Rgb
  /** Links and focus rings upon the card and upon notices. */
  readonly text: Rgb
}

/** The realm's colour, moved just as far as the contrast on this scheme's card demands. */
export function accentFor(color: Rgb, scheme: 'light' | 'dark'): Accent {
  const surface = SURFACES[scheme]
  const direction = scheme === 'light' ? 'darker' : 'lighter'
  const fill = reachContrast(color, surface, SHAPE_RATIO, direction)
  const on = contrast(fill, WHITE) >= TEXT_RATIO ? WHITE : BLACK
  // Away from the text upon it: hovering never costs legibility.
  const fillHover = reachContrast(shift(fill, on === WHITE ? -0.05 : 0.05), surface, SHAPE_RATIO, direction)
  return { fill, fillHover, on, text: reachContrast(color, TINTS[scheme], TEXT_RATIO, direction) }
}

function accentCss(color: Rgb): string {
  const light = declarations(accentFor(color, 'light'))
  const dark = declarations(accentFor(color, 'dark'))
  return `:root{${light}}@media (prefers-color-scheme:dark){:root{${dark}}}\n`
}

function declarations(accent: Accent): string {
  return [
    `--accent:${toHex(accent.fill)}`,
    `--accent-hover:${toHex(accent.fillHover)}`,
    `--on-accent:${toHex(accent.on)}`,
    `--accent-text:${toHex(accent.text)}`,
  ].join(';')
}

function titleOf(realm: RealmName): string {
  const last = realm.slice(realm.lastIndexOf('/') + 1)
  if (last === '') return 'Gatehouse'
  return last.charAt(0).toUpperCase() + last.slice(1).replaceAll('-', ' ')
}

function firstGrapheme(text: string): string {
  // Two of ASCII never make one; the segmenter reads tables for all others, 10 ms at a start.
  if (/^[\x20-\x7e]{2}/.test(text)) return text.charAt(0).toUpperCase()
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)
  return (first?.segment ?? '').toUpperCase()
}

/** A link a page may carry: nothing that runs script. */
function httpUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  return url !== null && /^(https?|mailto|tel):$/.test(url.protocol) ? text : undefined
}
