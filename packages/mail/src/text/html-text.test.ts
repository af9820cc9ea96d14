import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { htmlToText } from './html-text.ts'

const cases: readonly (readonly [string, string, string])[] = [
  ['paragraphs and breaks', '<p>a</p><p>b<br/>c</p>', 'a\nb\nc'],
  ['head, styles, scripts, comments go', '<head><title>t</title><style>x{}</style></head><script>if(a<b){}</script>x<!-- c > -->y', 'xy'],
  ['a head never closed does not eat the letter', '<head><meta charset=x><p>hi', 'hi'],
  ['entities', '&lt;&amp;&#65;&#x42;&nbsp;&uuml;&hellip;&unknown;&euro', '<&AB ü…&unknown;€'],
  ['a bracket inside a quoted attribute', '<a title="a > b">x</a>', 'x'],
  ['an apostrophe in text tags', "<p>it's</p><b>he's</b>", "it's\nhe's"],
  ['a less-than that is none', '1 < 2 <b>x</b>', '1 < 2 x'],
  ['list and table', '<ul><li>a<li>b</ul><table><tr><td>1<td>2</tr></table>', 'a\nb\n1 2'],
  ['blanks collapse', '  a \n\n\n  b  ', 'a\nb'],
  ['unfinished tag', 'a<b', 'a'],
  ['unfinished comment', 'a<!-- b', 'a'],
]

test('HTML becomes what a reader sees', () => {
  for (const [name, html, want] of cases) assert.equal(htmlToText(html), want, name)
})

test('never throws and stays linear', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('<', '>', '"', "'", '=', '<!--', '-->', '<a ', 'x', '&', '</head>', '<head>', '<style>'), { maxLength: 60 }),
      parts => assert.equal(typeof htmlToText(parts.join('')), 'string'),
    ),
  )
  for (const piece of ['<', '<a "', '<a ="', "<a ='", '<!--', '<head>', '<style>', '&', '<a b="c>', '<title></titl']) {
    assert.equal(typeof htmlToText(piece.repeat(100_000)), 'string')
  }
})
