import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainPages, sentenceOf } from './error-pages.ts'

const MARKUP = `"><script>alert('x')</script>&amp;`

test('markup in what the stand-in page says stays text', () => {
  const { html } = plainPages.render({ kind: 'forbidden', status: 403, requestId: MARKUP, loginUrl: MARKUP })
  const tags = [...html.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag)
  assert.deepEqual(new Set(tags), new Set(['html', 'meta', 'title', 'h1', 'p', 'a']))
  assert.equal(html.split(`&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;amp;`).length, 3)
  assert.match(html, new RegExp(sentenceOf('forbidden').replace('.', '\\.')))
})
