import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatReply, type Reply, ReplyError, ReplyReader } from './index.ts'

function replies(input: string, step = Number.POSITIVE_INFINITY): Reply[] {
  const reader = new ReplyReader()
  const out: Reply[] = []
  for (let at = 0; at < input.length; at += step) {
    reader.feed(Buffer.from(input.slice(at, at + step)))
    for (let reply = reader.next(); reply !== null; reply = reader.next()) out.push(reply)
  }
  return out
}

test('replies of servers', () => {
  for (const step of [1, 4, 1000]) {
    assert.deepEqual(replies('220 mx ready\r\n250-mx\r\n250-SIZE 5\r\n250 8BITMIME\r\n550 5.1.1 unknown\n354\r\n', step), [
      { code: 220, enhanced: null, lines: ['mx ready'] },
      { code: 250, enhanced: null, lines: ['mx', 'SIZE 5', '8BITMIME'] },
      { code: 550, enhanced: '5.1.1', lines: ['unknown'] },
      { code: 354, enhanced: null, lines: [''] },
    ])
  }
  assert.deepEqual(replies('550-5.7.1 one\r\n550 5.7.1 two\r\n'), [{ code: 550, enhanced: '5.7.1', lines: ['one', 'two'] }])
  assert.deepEqual(replies('450 5.1.1 odd class\r\n'), [{ code: 450, enhanced: null, lines: ['5.1.1 odd class'] }])
})

test('what is no reply is refused within limits', () => {
  for (const bad of [
    'hello\r\n',
    '99 x\r\n',
    '2500 x\r\n',
    '250-a\r\n251 b\r\n',
    '650 x\r\n',
    'x'.repeat(5000),
    `250-${'x'.repeat(5000)}\r\n`,
    '250-a\r\n'.repeat(300),
  ])
    assert.throws(() => replies(bad), ReplyError, bad.slice(0, 20))
})

test('replies are written with their codes on every line', () => {
  assert.equal(formatReply(250, '2.1.0', 'OK'), '250 2.1.0 OK\r\n')
  assert.equal(formatReply(250, null, ['mx.example', 'SIZE 5']), '250-mx.example\r\n250 SIZE 5\r\n')
  assert.equal(formatReply(550, '5.7.1', 'one\r\ntwo\nthree'), '550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n')
})

test('whatever the text, a written reply is one reply with lines of at most 512 octets', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 700 }), fc.constantFrom(null, '5.0.0'), (text, enhanced) => {
      const written = formatReply(554, enhanced, text)
      for (const line of written.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 510)
      const [reply, more] = replies(written)
      assert.equal(more, undefined)
      assert.equal(reply?.code, 554)
      const plain = text.replaceAll('\u0000', ' ').replace(/[\r\n]/g, '')
      if (enhanced !== null || !/[245]\.\d/.test(text)) assert.equal(reply?.lines.join(''), plain)
    }),
  )
})
