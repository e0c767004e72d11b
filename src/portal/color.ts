/** A colour in sRGB, each channel 0 to 1. */
export interface Rgb {
  readonly r: number
  readonly g: number
  readonly b: number
}

interface Oklab {
  readonly l: number
  readonly a: number
  readonly b: number
}

export const WHITE: Rgb = { r: 1, g: 1, b: 1 }
export const BLACK: Rgb = { r: 0, g: 0, b: 0 }

const HEX = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i

/** Reads `#rrggbb`; black for anything else, which the schema has ruled out. */
export function parseHex(text: string): Rgb {
  const match = HEX.exec(text)
  if (match === null) return BLACK
  const channel = (index: number): number => Number.parseInt(match[index] ?? '00', 16) / 255
  return { r: channel(1), g: channel(2), b: channel(3) }
}

export function toHex({ r, g, b }: Rgb): string {
  const channel = (value: number): string =>
    Math.round(clamp(value) * 255)
      .toString(16)
      .padStart(2, '0')
  return `#${channel(r)}${channel(g)}${channel(b)}`
}

/** Contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((x, y) => y - x)
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
}

/**
 * The colour nearest to `color` that reaches `ratio` against `ground`: only its lightness moves, towards `direction`, so that
 * a brand keeps its hue. Lightness is that of Oklab, in which equal steps look equal.
 */
export function reachContrast(color: Rgb, ground: Rgb, ratio: number, direction: 'darker' | 'lighter'): Rgb {
  const start = toOklab(color)
  const step = direction === 'darker' ? -0.01 : 0.01
  let candidate = snap(color)
  for (let l = start.l; contrast(candidate, ground) < ratio && l > 0 && l < 1;) {
    l += step
    candidate = snap(fromOklab(l, start))
  }
  return contrast(candidate, ground) >= ratio ? candidate : direction === 'darker' ? BLACK : WHITE
}

/** The same hue, lighter (positive) or darker (negative) by `amount` of Oklab lightness. */
export function shift(color: Rgb, amount: number): Rgb {
  const lab = toOklab(color)
  return snap(fromOklab(clamp(lab.l + amount), lab))
}

/** What the 8-bit notation will say, so that a ratio measured here is the ratio on screen. */
function snap(color: Rgb): Rgb {
  return parseHex(toHex(color))
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
}

function gamma(channel: number): number {
  return channel <= 0.0031308 ? channel * 12.92 : 1.055 * channel ** (1 / 2.4) - 0.055
}

function luminance({ r, g, b }: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/** sRGB to Oklab. @see https://bottosson.github.io/posts/oklab/ */
function toOklab({ r, g, b }: Rgb): Oklab {
  const [lr, lg, lb] = [linear(r), linear(g), linear(b)]
  const l = Math.cbrt(0.4122214708 * lr + 0.5363325363 * lg + 0.0514459929 * lb)
  const m = Math.cbrt(0.2119034982 * lr + 0.6806995451 * lg + 0.1073969566 * lb)
  const s = Math.cbrt(0.0883024619 * lr + 0.2817188376 * lg + 0.6299787005 * lb)
  return {
    l: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    a: 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    b: 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  }
}

/** Oklab with another lightness to sRGB; chroma gives way where the screen cannot show that much of it. */
function fromOklab(lightness: number, { a, b }: Oklab): Rgb {
  for (let chroma = 1; chroma > 0; chroma -= 0.05) {
    const color = oklabToRgb({ l: lightness, a: a * chroma, b: b * chroma })
    if ([color.r, color.g, color.b].every((channel) => channel >= -0.0005 && channel <= 1.0005)) return color
  }
  return oklabToRgb({ l: lightness, a: 0, b: 0 })
}

function oklabToRgb({ l, a, b }: Oklab): Rgb {
  const lc = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const mc = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const sc = (l - 0.0894841775 * a - 1.291485548 * b) ** 3
  return {
    r: gamma(4.0767416621 * lc - 3.3077115913 * mc + 0.2309699292 * sc),
    g: gamma(-1.2684380046 * lc + 2.6097574011 * mc - 0.3413193965 * sc),
    b: gamma(-0.0041960863 * lc - 0.7034186147 * mc + 1.707614701 * sc),
  }
}
