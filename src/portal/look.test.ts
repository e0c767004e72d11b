import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import type { RealmName } from '../base/brand.ts'
import { contrast, parseHex, reachContrast, toHex } from './color.ts'
import { accentFor, compileLook, SURFACES, TINTS } from './look.ts'
import { lookSchema } from './look.schema.ts'

const hex = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`)
const realm = (name: string): RealmName => name as RealmName

for (const scheme of ['light', 'dark'] as const) {
  test(`${scheme}: every accent colour comes out legible (WCAG 2.2 §1.4.3, §1.4.11)`, () => {
    fc.assert(
      fc.property(hex, (color) => {
        const { fill, fillHover, on, text } = accentFor(parseHex(color), scheme)
        assert.ok(contrast(fill, SURFACES[scheme]) >= 3, `fill ${toHex(fill)}`)
        assert.ok(contrast(fill, on) >= 4.5, `text upon ${toHex(fill)}`)
        assert.ok(contrast(fillHover, on) >= 4.5, `text upon ${toHex(fillHover)}`)
        assert.ok(contrast(text, SURFACES[scheme]) >= 4.5, `link ${toHex(text)}`)
        assert.ok(contrast(text, TINTS[scheme]) >= 4.5, `link in a notice ${toHex(text)}`)
      }),
      { numRuns: 400 },
    )
  })
}

test('a colour that is legible already stays as it is', () => {
  assert.equal(toHex(accentFor(parseHex('#1f5fbf'), 'light').fill), '#1f5fbf')
})

test('a colour moves no further than it must, and keeps its hue', () => {
  const moved = reachContrast(parseHex('#ffd400'), SURFACES.light, 3, 'darker')
  assert.ok(contrast(moved, SURFACES.light) < 3.3)
  assert.ok(moved.r > moved.g && moved.g > moved.b)
})

test('contrast is that of WCAG: black on white 21, a colour on itself 1', () => {
  assert.equal(Math.round(contrast(parseHex('#000000'), parseHex('#ffffff'))), 21)
  assert.equal(contrast(parseHex('#123456'), parseHex('#123456')), 1)
  assert.ok(Math.abs(contrast(parseHex('#777777'), parseHex('#ffffff')) - 4.48) < 0.01)
})

test('the surfaces that accents are measured against are those of the style sheet', async () => {
  const css = await readFile(join(import.meta.dirname, '../../public/assets/gatehouse.css'), 'utf8')
  for (const [name, colors] of [
    ['surface', SURFACES],
    ['tint', TINTS],
  ] as const) {
    const used = [...css.matchAll(new RegExp(`--${name}: (#[0-9a-f]{6})`, 'g'))].map((match) => match[1])
    assert.deepEqual(used, [toHex(colors.light), toHex(colors.dark)])
  }
})

test('the style sheet of a look consists of hexadecimal colours, whatever the title says', () => {
  const look = compileLook(realm('/x'), lookSchema.parse({ title: '</style><script>alert(1)</script>' }))
  assert.match(look.css, /^[\w:{}();@#\s-]+$/)
})

test('a realm without a title is called after the last part of its path', () => {
  assert.equal(compileLook(realm('/employees/night-shift'), lookSchema.parse({})).title, 'Night shift')
  assert.equal(compileLook(realm('/'), lookSchema.parse({})).title, 'Gatehouse')
})

test('the initial is a whole character, not half of one', () => {
  for (const [title, initial] of [
    ['👩‍🚀 Space', '👩‍🚀'],
    ['e\u0301tude', 'E\u0301'],
    ['ß', 'SS'],
    ['acme', 'A'],
    ['x', 'X'],
  ] as const) {
    assert.equal(compileLook(realm('/'), lookSchema.parse({ title })).initial, initial, title)
  }
})

test('a help link never runs script', () => {
  for (const supportUrl of ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x']) {
    assert.equal(compileLook(realm('/'), lookSchema.parse({ supportUrl })).supportUrl, undefined)
  }
})
