import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { createFakeClock, createRecordingTrace, createSeededRandom, type FakeClock } from '@postern/testkit'
import { createIdSource } from '#base/clock'
import { type Blobs, createBlobs } from '#data/blobs'
import { openSettings, type Settings } from '#data/settings'
import { openStore, type Store } from '#data/store'
import { createHandover } from './handover.ts'
import { createQueue, type Queue, type QueuedMessage } from './index.ts'

const trace = createRecordingTrace()
let folder: string
let clock: FakeClock
let store: Store
let settings: Settings
let blobs: Blobs
let nextId: () => number
let queue: Queue & Disposable

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-'))
  clock = createFakeClock()
  store = await openStore({ kind: 'sqlite', path: folder, clock, trace })
  settings = await openSettings({ store, macros: { env: () => undefined, file: async () => '' } })
  blobs = createBlobs({ store, clock, trace })
  nextId = createIdSource(clock)
  queue = open()
})

afterEach(async () => {
  queue[Symbol.dispose]()
  blobs[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function open(): Queue & Disposable {
  return createQueue({ store, blobs, settings, clock, random: createSeededRandom(), trace, nextId })
}

const content = Buffer.from('Subject: Hello\r\n\r\nHello.\r\n')

function accept(priority = 0): Promise<number> {
  return queue.accept({ returnPath: 'a@remote.test', recipients: [{ address: 'b@example.org' }], priority }, content)
}

const idsOf = (messages: readonly QueuedMessage[]): number[] => messages.map(({ id }) => id)

async function finish(message: QueuedMessage): Promise<void> {
  const recipients = [{ position: 0, status: 'completed', detail: '' }] as const
  await queue.record(message, [{ domain: 'example.org', status: 'completed', detail: '', recipients }])
}

test('what was accepted is taken from memory and recorded as done', async () => {
  const id = await accept()
  const [message] = await queue.take(10)
  assert.ok(message)
  assert.deepEqual({ ...message, blobHash: Buffer.from(message.blobHash) }, await stored(id))
  assert.deepEqual(await queue.contentOf(message), content)
  await finish(message)
  assert.equal(await queue.count(), 0)
  // Nothing is kept of it: its bytes come from the disk now.
  assert.deepEqual(await queue.contentOf(message), content)
})

async function stored(id: number): Promise<unknown> {
  const message = await queue.get(id)
  return message && { ...message, blobHash: Buffer.from(message.blobHash) }
}

test('a process that ends before the work begins leaves the message to the next one', async () => {
  const id = await accept()
  queue[Symbol.dispose]()
  queue = open()
  assert.deepEqual(await queue.take(10), [])
  await queue.recover()
  assert.deepEqual(idsOf(await queue.take(10)), [id])
})

test('a message that was cancelled, or is held back, is not worked on', async () => {
  const first = await accept()
  const second = await accept()
  assert.equal(await queue.cancel(first), true)
  assert.equal(await queue.reschedule(second, clock.now() + 60_000), true)
  assert.deepEqual(await queue.take(10), [])
  await clock.advance(60_000)
  assert.deepEqual(idsOf(await queue.take(10)), [second])
})

test('a stopped queue gives back what nobody has begun to work on', async () => {
  const id = await accept()
  queue.setRunning(false)
  assert.deepEqual(await queue.take(10), [])
  queue.setRunning(true)
  await queue.untilDue(AbortSignal.timeout(10_000))
  assert.deepEqual(idsOf(await queue.take(10)), [id])
})

test('what is due on disk gets its share while messages keep coming in', async () => {
  queue.setRunning(false)
  const old = await accept()
  queue.setRunning(true)
  for (let i = 0; i < 20; i++) await accept()
  assert.ok(idsOf(await queue.take(4)).includes(old))
})

test('the highest priority is taken first', async () => {
  const [low, high, middle] = [await accept(-1), await accept(5), await accept()]
  assert.deepEqual(idsOf(await queue.take(10)), [high, middle, low])
})

test('messages and bytes in memory are bounded; a place is free again when the work is done', () => {
  const handover = createHandover({ maxMessages: 2, maxBytes: 100 })
  const message = (id: number): QueuedMessage => ({ id, priority: 0 }) as QueuedMessage
  assert.equal(handover.reserve(500), true, 'one of any size fits into the empty room')
  assert.equal(handover.reserve(1), false)
  handover.giveUp(500)
  assert.equal(handover.reserve(60), true)
  assert.equal(handover.reserve(60), false)
  assert.equal(handover.reserve(40), true)
  assert.equal(handover.reserve(0), false)
  handover.add(message(1), new Uint8Array(60))
  assert.equal(handover.take(9).length, 1)
  assert.equal(handover.reserve(0), false, 'what is worked on still takes its place')
  handover.forget(1)
  handover.forget(1)
  assert.equal(handover.contentOf(1), undefined)
  assert.equal(handover.reserve(60), true)
  assert.equal(handover.reserve(0), false)
})
