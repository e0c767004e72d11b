import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, Page } from '@playwright/test'
import { expect } from './fixtures.ts'

const WIDE = { width: 1280, height: 800 }
export const NARROW = { width: 360, height: 740 }

/** The ways in which a page is looked at. What axe can find depends on colours or on width, never on both together. */
const LOOKS = [
  { name: 'wide-light', colorScheme: 'light', viewport: WIDE, axe: true },
  { name: 'wide-dark', colorScheme: 'dark', viewport: WIDE, axe: false },
  { name: 'narrow-dark', colorScheme: 'dark', viewport: NARROW, axe: true },
  { name: 'narrow-light', colorScheme: 'light', viewport: NARROW, axe: false },
] as const

/** In `npm run verify` everything, and a picture of it for people to look at; else the two ways in which axe looks. */
const ALL = process.env['LOOKS'] === 'all'
const HERE = ALL ? LOOKS : LOOKS.filter(({ axe }) => axe)

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Those that colours or width decide: of a page that has been looked at in light, nothing else is different in the dark. */
const LOOK_RULES = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size']

const PICTURES = 'test-results/pages'

/** What the pages of a context have done that no page of ours may. */
interface Watch {
  /** Console errors, refused content and requests to other origins since the last call. */
  complaints(): readonly string[]
}

function watch(context: BrowserContext): Watch {
  let seen: string[] = []
  context.on('console', (message) => {
    // Chromium reports the status of a document that answers 403 as an error of that document.
    const documents = message.page()?.frames() ?? []
    const isOwnStatus =
      message.text().startsWith('Failed to load resource') &&
      documents.some((frame) => frame.url() === message.location().url)
    if (message.type() === 'error' && !isOwnStatus) seen.push(`console: ${message.text()}`)
  })
  context.on('weberror', (error) => seen.push(`script: ${error.error().message}`))
  context.on('request', (request) => {
    if (request.isNavigationRequest() || request.url().startsWith('data:')) return
    const [page, asked] = [request.frame().url(), request.url()].map((url) => new URL(url).origin)
    if (page !== asked) seen.push(`request to ${asked} from a page of ${page}`)
  })
  return {
    complaints() {
      const all = seen
      seen = []
      return all
    },
  }
}

/** One browser whose pages are looked at. */
interface Viewer {
  readonly page: Page
  /** Looks at the page that is open, in light and dark, wide and narrow; `name` is that of the pictures. */
  readonly look: (name: string) => Promise<void>
}

/** `within`: selectors down to the part that is ours, where it is shown inside a page that is not. */
export function viewer(page: Page, { within }: { readonly within?: readonly string[] } = {}): Viewer {
  const watched = watch(page.context())
  return {
    page,
    async look(name) {
      for (const { name: look, colorScheme, viewport, axe } of HERE) {
        const where = `${name}, ${look}`
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize(viewport)
        await picture(page, `${name}-${look}`)
        if (axe) expect(await findings(page, rulesOf(colorScheme), within), where).toEqual([])
        expect(await overflow(page), `${where}: wider than the window`).toEqual([])
        expect(await smallTargets(page), `${where}: controls under 44 pixels`).toEqual([])
      }
      expect(watched.complaints(), name).toEqual([])
    },
  }
}

export async function picture(page: Page, name: string): Promise<void> {
  if (ALL) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true })
}

type Rules = (axe: AxeBuilder) => AxeBuilder

/** In `npm run verify` everything is looked for everywhere. */
function rulesOf(colorScheme: 'light' | 'dark'): Rules {
  return colorScheme === 'light' || ALL ? (axe) => axe.withTags(RULES) : (axe) => axe.withRules(LOOK_RULES)
}

/** The axe that the builder brings along, in the form that takes a browser half the time to read. */
const AXE = readFileSync(
  createRequire(createRequire(import.meta.url).resolve('@axe-core/playwright')).resolve('axe-core/axe.min.js'),
  'utf8',
)
/** For the builder, which would have the page read all of axe twice for each question. */
const IS_THERE = ';'

async function axeOn(page: Page, within: readonly string[] | undefined): Promise<AxeBuilder> {
  if (within !== undefined) return new AxeBuilder({ page, axeSource: AXE }).include([...within])
  if (!(await page.evaluate<boolean>(`'axe' in globalThis`))) await page.evaluate(AXE)
  // A page without frames needs no second tab in which to collect what the frames say.
  return new AxeBuilder({ page, axeSource: IS_THERE }).setLegacyMode()
}

/** What axe finds on the page, with the rule and the element. */
async function findings(page: Page, rules: Rules, within?: readonly string[]): Promise<readonly string[]> {
  // What is found is told whole; of what is in order, nothing is read here.
  const axe = rules((await axeOn(page, within)).options({ resultTypes: ['violations'] }))
  const { violations } = await axe.analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary ?? ''}`),
  )
}

/** Elements beyond the window's edge, if the page can be scrolled there. */
export function overflow(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth <= clientWidth) return []
    return [...document.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.outerHTML.slice(0, 120))
  })()`)
}

/** Controls that are hard to hit. A check box counts as its label; what is only there for the keyboard does not count. */
function smallTargets(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(() => {
    const controls = 'a[href]:not(.skip), button, select, textarea, label.check, input:not([type=hidden], [type=checkbox])'
    return [...document.querySelectorAll(controls)]
      .filter((control) => control.checkVisibility({ visibilityProperty: true }))
      .map((control) => [control, control.getBoundingClientRect()])
      .filter(([, { width, height }]) => height < 44 || width < 44)
      .map(([control, { width, height }]) => width + ' by ' + height + ': ' + control.outerHTML.slice(0, 120))
  })()`)
}

/** One stop of the Tab key. */
interface Stop {
  readonly text: string
  /** Width of the ring around it, in pixels; 0 where nothing shows the focus. */
  readonly ring: number
}

/** Everything that Tab reaches from where the focus is, in order, until it leaves the page. */
export async function tabStops(page: Page): Promise<readonly Stop[]> {
  const stops: Stop[] = []
  for (;;) {
    const stop = await page.evaluate<Stop | undefined>(`(() => {
      const element = document.activeElement
      if (element === null || element === document.body) return undefined
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const label = element.labels?.[0]?.innerText ?? element.innerText
      return { text: label.trim(), ring: outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth) }
    })()`)
    if (stop === undefined || stops.length > 30) return stops
    stops.push(stop)
    await page.keyboard.press('Tab')
  }
}
