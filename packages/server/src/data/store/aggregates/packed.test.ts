import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { type Change, packChanges, unpackChanges } from './changes.ts'
import { packKeywords, unpackKeywords } from './keywords.ts'
import { packThreadKeys, unpackThreadKeys } from './threads.ts'

const id = fc.oneof(fc.nat(300), fc.maxSafeNat())

const plain = { noNullPrototype: true }

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom('messageCreated', 'messageDestroyed'), messageId: id, threadId: id }, plain),
  fc.record({ kind: fc.constantFrom('placed', 'removed', 'flagged'), mailboxId: id, uid: id, messageId: id }, plain),
  fc.record({ kind: fc.constantFrom('threadCreated', 'threadChanged', 'threadDestroyed'), threadId: id }, plain),
  fc.record({ kind: fc.constantFrom('mailboxCreated', 'mailboxChanged', 'mailboxCounted', 'mailboxDestroyed'), mailboxId: id }, plain),
  fc.record({ kind: fc.constantFrom('objectCreated', 'objectChanged', 'objectDestroyed'), type: id, id }, plain),
)

it('change log entries are packed without loss', () => {
  fc.assert(fc.property(fc.array(change), changes => assert.deepEqual(unpackChanges(packChanges(changes)), changes)))
})

it('a delivery takes few bytes of log', () => {
  const changes: Change[] = [
    { kind: 'messageCreated', messageId: 12_000, threadId: 12_000 },
    { kind: 'threadCreated', threadId: 12_000 },
    { kind: 'placed', mailboxId: 0, uid: 12_000, messageId: 12_000 },
    { kind: 'mailboxCounted', mailboxId: 0 },
  ]
  assert.equal(packChanges(changes).length, 16)
})

it('cut or foreign bytes are an error, not a wrong entry', () => {
  const bytes = packChanges([{ kind: 'placed', mailboxId: 3, uid: 400, messageId: 5 }])
  for (let length = 1; length < bytes.length; length++) assert.throws(() => unpackChanges(bytes.subarray(0, length)))
  assert.throws(() => unpackChanges(Uint8Array.from([99, 1])), /unknown kind 99/)
})

it('keyword numbers and thread keys are packed without loss; none is null', () => {
  fc.assert(
    fc.property(fc.array(id), ids => {
      assert.deepEqual(unpackKeywords(packKeywords(ids)), ids)
      assert.deepEqual(unpackThreadKeys(packThreadKeys(ids)), ids)
    }),
  )
  assert.equal(packKeywords([]), null)
  assert.equal(packThreadKeys([]), null)
})
