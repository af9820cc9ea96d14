import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasAttachment, parseMessage, partName, previewText, rootPart, selectBodies } from './index.ts'

/** Nested lists make multiparts: `['mixed', 'text/plain', ['alternative', …]]`; a leaf may carry more fields behind blanks. */
type Tree = string | readonly [string, ...Tree[]]

let serial = 0
function build(tree: Tree): string {
  if (typeof tree === 'string') {
    const [type = '', ...fields] = tree.split(' | ')
    return `Content-Type: ${type}\r\n${fields.map(field => `${field}\r\n`).join('')}\r\n${type}\r\n`
  }
  const [subtype, ...children] = tree
  const boundary = `b${serial++}`
  return `Content-Type: multipart/${subtype}; boundary=${boundary}\r\n\r\n${children.map(child => `--${boundary}\r\n${build(child)}`).join('')}--${boundary}--\r\n`
}

function bodies(tree: Tree): readonly [string, string, string, boolean] {
  const structure = parseMessage(Buffer.from(build(tree)))
  const lists = selectBodies(structure)
  const show = (parts: readonly { type: string; subtype: string }[]): string => parts.map(part => part.subtype).join(' ')
  return [show(lists.textBody), show(lists.htmlBody), show(lists.attachments), hasAttachment(structure)]
}

const cases: readonly (readonly [string, Tree, readonly [string, string, string, boolean]])[] = [
  ['plain text', 'text/plain', ['plain', 'plain', '', false]],
  ['HTML', 'text/html', ['html', 'html', '', false]],
  ['both forms', ['alternative', 'text/plain', 'text/html'], ['plain', 'html', '', false]],
  ['alternative with one form', ['alternative', 'text/html'], ['html', 'html', '', false]],
  ['text, image, text', ['mixed', 'text/plain', 'image/png', 'text/plain'], ['plain png plain', 'plain png plain', '', false]],
  ['a file behind the text', ['mixed', 'text/plain', 'application/pdf'], ['plain', 'plain', 'pdf', true]],
  ['a named text is a file', ['mixed', 'text/plain', 'text/plain; name=x.txt'], ['plain', 'plain', 'plain', true]],
  [
    'a text marked as attachment',
    ['mixed', 'text/plain', 'text/plain | Content-Disposition: attachment'],
    ['plain', 'plain', 'plain', true],
  ],
  ['inline image of HTML', ['related', 'text/html', 'image/png | Content-ID: <a@b>'], ['html', 'html', 'png', false]],
  ['related with start', ['related; start="<r@x>"', 'image/png', 'text/html | Content-ID: <r@x>'], ['html', 'html', 'png', true]],
  ['an attached message', ['mixed', 'text/plain', 'message/rfc822'], ['plain', 'plain', 'rfc822', true]],
  ['a calendar in an alternative', ['alternative', 'text/plain', 'text/html', 'text/calendar'], ['plain', 'html', 'calendar', true]],
  [
    'the long example of RFC 8621 §4.1.4',
    [
      'mixed',
      'text/plain',
      [
        'mixed',
        ['alternative', ['mixed', 'text/plain', 'image/jpeg', 'text/plain'], ['related', 'text/html', 'image/jpeg']],
        'image/jpeg',
        'application/x-excel',
        'message/rfc822',
      ],
      'text/plain',
    ],
    ['plain plain jpeg plain jpeg plain', 'plain html jpeg plain', 'jpeg jpeg x-excel rfc822', true],
  ],
]

test('body lists of RFC 8621 §4.1.4', async t => {
  for (const [name, tree, want] of cases) await t.test(name, () => assert.deepEqual(bodies(tree), want))
})

test('preview: one line, at most 256 characters, no broken character', () => {
  const preview = (source: string): string => {
    const bytes = Buffer.from(source)
    return previewText(bytes, parseMessage(bytes))
  }
  assert.equal(preview('Subject: x\r\n\r\nHello  Alice,\r\n\r\nhow are you?\r\n'), 'Hello Alice, how are you?')
  assert.equal(preview('Content-Type: text/html; charset=utf-8\r\n\r\n<style>x</style><p>Hé<br>llo'), 'Hé llo')
  const long = preview(`Subject: x\r\n\r\n${'\u{1f600}'.repeat(400)}`)
  assert.ok(long.length <= 256 && long.endsWith('...') && long.isWellFormed())
  assert.equal(preview(`Subject: x\r\n\r\n${' \r\n'.repeat(1000)}late`), 'late')
  assert.equal(preview('Content-Type: image/png\r\n\r\nx'), '')
})

test('names of files lose folders and control characters', () => {
  const name = (field: string): string | null => partName(rootPart(parseMessage(Buffer.from(`${field}\r\n\r\n`))))
  assert.equal(name('Content-Disposition: attachment; filename="../../etc/passwd"'), 'passwd')
  assert.equal(name('Content-Disposition: attachment; filename="C:\\dir\\a\u202etxt.exe"'), 'atxt.exe')
  assert.equal(name('Content-Type: image/png; name=b.png'), 'b.png')
  assert.equal(name('Content-Type: image/png'), null)
})
