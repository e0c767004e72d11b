/** Most specific first: browsers name those they descend from as well. */
const BROWSERS: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari'],
]

const SYSTEMS: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

export interface Device {
  readonly browser: string | undefined
  readonly system: string | undefined
}

/**
 * The names by which a person knows the device a session was started with. It is what a browser said of itself, so it helps to
 * recognise a session and proves nothing. Another program is called by its first product (RFC 9110 §10.1.5).
 */
export function deviceOf(userAgent: string): Device {
  const named = (known: typeof BROWSERS) => known.find(([mark]) => mark.test(userAgent))?.[1]
  const product = /^[\w.-]{1,40}(?=\/|$)/.exec(userAgent)?.[0]
  return {
    browser: named(BROWSERS) ?? (product === 'Mozilla' ? undefined : product),
    system: named(SYSTEMS),
  }
}
