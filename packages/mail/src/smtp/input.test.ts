import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SmtpInput } from './index.ts'

function lines(input: SmtpInput, max: number): string[] {
  const out: string[] = []
  for (let line = input.readLine(max); line !== null; line = input.readLine(max))
    out.push(line === 'tooLong' ? '!' : `${line.bytes.toString()}${line.hasBareLf ? '~' : ''}`)
  return out
}

test('lines, raw octets and lines again', () => {
  const input = new SmtpInput()
  input.feed(Buffer.from('EHLO x\r\nBDAT 5\r\nab\r\nQUIT\n'))
  const first = input.readLine(100)
  const second = input.readLine(100)
  assert.ok(first !== null && first !== 'tooLong' && second !== null && second !== 'tooLong')
  assert.deepEqual([first.bytes.toString(), second.bytes.toString()], ['EHLO x', 'BDAT 5'])
  assert.equal(input.takeUpTo(4)?.toString(), 'ab\r\n')
  assert.deepEqual(lines(input, 100), ['QUIT~'])
  input.feed(Buffer.from('DATA'))
  assert.equal(input.readLine(100), null)
  const all = input.takeAll()
  assert.equal(all.toString(), 'DATA')
  input.unread(all.subarray(2))
  assert.ok(input.hasOctets)
  assert.equal(input.takeUpTo(10)?.toString(), 'TA')
  assert.equal(input.takeUpTo(10), null)
})

test('a line of exactly the limit passes, a longer one is skipped to its end', () => {
  for (const step of [1, 3, 1000]) {
    const input = new SmtpInput()
    const out: string[] = []
    const text = `${'a'.repeat(8)}\r\n${'b'.repeat(9)}\r\nNOOP\r\n${'c'.repeat(50)}\nQUIT\r\n`
    for (let at = 0; at < text.length; at += step) {
      input.feed(Buffer.from(text.slice(at, at + step)))
      out.push(...lines(input, 10))
    }
    assert.deepEqual(out, ['aaaaaaaa', '!', 'NOOP', '!', 'QUIT'])
  }
})

test('an endless line keeps no memory', () => {
  const input = new SmtpInput()
  for (let i = 0; i < 1000; i++) {
    input.feed(Buffer.alloc(1000, 0x61))
    assert.equal(input.readLine(100), null)
  }
  assert.equal(input.takeAll().length, 0)
})

test('how octets are cut changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'bcdef', '\r', '\n', '\r\n'), { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      (pieces, step) => {
        const text = pieces.join('')
        const whole = new SmtpInput()
        whole.feed(Buffer.from(text))
        const cut = new SmtpInput()
        const out: string[] = []
        for (let at = 0; at < text.length; at += step) {
          cut.feed(Buffer.from(text.slice(at, at + step)))
          out.push(...lines(cut, 8))
        }
        assert.deepEqual(out, lines(whole, 8))
      },
    ),
  )
})
