import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeLines } from './whole-lines.ts'

function written(text: string): readonly string[] {
  const writes: string[] = []
  wholeLines({ write: (piece) => void writes.push(piece) }).write(text)
  assert.equal(writes.join(''), text)
  return writes
}

test('a batch goes out in whole lines and in pieces that a pipe takes at once', () => {
  const lines = Array.from({ length: 200 }, (_, i) => `{"line":${i},"text":"${'é'.repeat(i)}"}\n`)
  const writes = written(lines.join(''))
  assert.ok(writes.length < 40, `${writes.length} writes`)
  for (const piece of writes) {
    assert.ok(piece.endsWith('\n'))
    assert.ok(Buffer.byteLength(piece) <= 4_096)
  }
})

test('a line that is longer goes out by itself, and little goes out as it came', () => {
  const long = `${'x'.repeat(5_000)}\n`
  assert.deepEqual(written(`a\n${long}b\n`), ['a\n', long, 'b\n'])
  assert.deepEqual(written('a\nb\n'), ['a\nb\n'])
})
