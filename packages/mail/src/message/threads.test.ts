import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Thread, type Threadable, threadByIds, threadByReferences, threadBySubject } from './index.ts'

function message(number: number, more: Partial<Threadable> = {}): Threadable {
  return { number, messageId: `m${number}`, references: [], subject: `s${number}`, isReply: false, date: number, ...more }
}

/** `1(2 3(4))`; a missing ancestor is `-`. */
function shown(threads: readonly Thread[]): string {
  return threads.map(({ number, children }) => `${number ?? '-'}${children.length > 0 ? `(${shown(children)})` : ''}`).join(' ')
}

const cases: ReadonlyArray<readonly [name: string, messages: readonly Threadable[], threads: string]> = [
  ['an answer stands below its question', [message(1), message(2, { references: ['m1'] })], '1(2)'],
  ['a chain of references is kept', [message(3, { references: ['m1', 'm2'] }), message(2, { references: ['m1'] }), message(1)], '1(2(3))'],
  ['answers to a missing message stay together', [message(1, { references: ['x'] }), message(2, { references: ['x'] })], '-(1 2)'],
  ['one answer to a missing message stands alone', [message(1, { references: ['x', 'y'] })], '1'],
  [
    'what answers itself, or each other, is no circle',
    [message(1, { references: ['m1'] }), message(2, { references: ['m3'] }), message(3, { references: ['m2'] })],
    '1 3(2)',
  ],
  [
    'two messages with one id are two messages',
    [message(1, { messageId: 'a' }), message(2, { messageId: 'a' }), message(3, { references: ['a'] })],
    '1(3) 2',
  ],
  ['an answer by its subject only', [message(1, { subject: 's' }), message(2, { subject: 's', isReply: true })], '1(2)'],
  ['a question that came after its answer', [message(1, { subject: 's', isReply: true }), message(2, { subject: 's' })], '2(1)'],
  ['two questions with one subject', [message(1, { subject: 's' }), message(2, { subject: 's' })], '-(1 2)'],
  ['no subject is none in common', [message(1, { subject: '' }), message(2, { subject: '' })], '1 2'],
  [
    'the last reference is the parent, whatever was thought before',
    [message(3, { references: ['m1', 'm2'] }), message(1), message(2), message(4, { messageId: 'm9', references: ['m2', 'm3'] })],
    '1 2(3(4))',
  ],
]
for (const [name, messages, threads] of cases) {
  test(`references: ${name}`, () => assert.equal(shown(threadByReferences(messages)), threads))
}

test('by subject there are no grandchildren, and threads stand in the order of their first messages', () => {
  const messages = [
    message(1, { subject: 'b' }),
    message(2, { subject: 'a' }),
    message(3, { subject: 'b' }),
    message(4, { subject: 'b', date: 0 }),
  ]
  assert.equal(shown(threadBySubject(messages)), '4(1 3) 2')
})

test('by ids alone subjects do not count, and the thread with the latest message comes last', () => {
  const messages = [message(1, { subject: 's' }), message(2, { subject: 's' }), message(3, { references: ['m1'] })]
  assert.equal(shown(threadByIds(messages)), '2 1(3)')
})

test('every message is in exactly one place, whatever they refer to', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const any = fc.record({
    messageId: fc.option(ids),
    references: fc.array(ids, { maxLength: 5 }),
    subject: fc.constantFrom('', 'x', 'y'),
    isReply: fc.boolean(),
    date: fc.nat(5),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 12 }), given => {
      const messages = given.map((one, at) => ({ number: at + 1, ...one }))
      for (const thread of [threadByReferences, threadByIds, threadBySubject]) {
        const numbers = (threads: readonly Thread[]): number[] =>
          threads.flatMap(({ number, children }) => [...(number === null ? [] : [number]), ...numbers(children)])
        assert.deepEqual(
          numbers(thread(messages)).toSorted((a, b) => a - b),
          messages.map(({ number }) => number),
        )
      }
    }),
    { numRuns: 1000 },
  )
})

test('a thread 50,000 deep needs no stack', () => {
  const messages = Array.from({ length: 50_000 }, (_, at) => message(at + 1, { references: at === 0 ? [] : [`m${at}`] }))
  for (const thread of [threadByReferences, threadByIds]) {
    let deep = 0
    for (let level = thread(messages); level.length > 0; level = level[0]?.children ?? []) deep += 1
    assert.equal(deep, 50_000)
  }
})
