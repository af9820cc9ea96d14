import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, failure } from '@postern/contract'
import { createByteBudget } from '#base/limits'
import type { Spool } from '#data/blobs'
import { createReceive } from './incoming.ts'

/** Keeps what is written; writing fails on demand. */
function memorySpool(failWith?: string): Spool & { readonly written: () => number; readonly attempts: () => number } {
  const chunks: Uint8Array[] = []
  let attempts = 0
  const written = (): number => chunks.reduce((total, chunk) => total + chunk.length, 0)
  return {
    get size() {
      return written()
    },
    write: async chunk => {
      attempts++
      if (failWith !== undefined) throw Object.assign(new Error('write failed'), { code: failWith, syscall: 'write' })
      chunks.push(chunk)
    },
    finish: async () => Buffer.concat(chunks),
    bytes: async () => Buffer.concat(chunks),
    written,
    attempts: () => attempts,
    [Symbol.asyncDispose]: async () => {},
  }
}

const kilobyte = Buffer.alloc(1024, 'x')

function codeOf(error: unknown): boolean {
  return error instanceof Failure && error.code === 'messageTooLarge'
}

test('beyond the limit nothing more is written', async () => {
  const spool = memorySpool()
  const receive = createReceive({ blobs: { spool: () => spool }, budget: createByteBudget(1024 * 1024) })
  const incoming = receive(2048)
  await incoming.take([kilobyte, kilobyte])
  assert.equal(incoming.problem, null)
  for (let count = 0; count < 1000; count++) await incoming.take([kilobyte])
  assert.equal(spool.written(), 2048)
  await assert.rejects(incoming.finish(), codeOf)
})

test('a disk that gives out is told as what it is', async () => {
  for (const [code, want] of [
    ['ENOSPC', 'storageFull'],
    ['EDQUOT', 'storageFull'],
    ['EIO', 'storeUnavailable'],
    ['EROFS', 'storeUnavailable'],
  ] as const) {
    const incoming = createReceive({ blobs: { spool: () => memorySpool(code) }, budget: createByteBudget(1024 * 1024) })(0)
    await incoming.take([kilobyte, kilobyte])
    await assert.rejects(incoming.finish(), (error: unknown) => error instanceof Failure && error.code === want, code)
  }
})

test('a disk that gave out is left alone', async () => {
  const spool = memorySpool('ENOSPC')
  const incoming = createReceive({ blobs: { spool: () => spool }, budget: createByteBudget(1024 * 1024) })(0)
  for (let count = 0; count < 10; count++) await incoming.take([kilobyte, kilobyte])
  assert.equal(spool.attempts(), 1)
})

test('messages on their way share the memory, and give it back', async () => {
  const budget = createByteBudget(3000)
  const receive = createReceive({ blobs: { spool: () => memorySpool() }, budget })
  const first = receive(0)
  const second = receive(0)
  await first.take([kilobyte, kilobyte])
  await second.take([kilobyte])
  assert.equal(second.problem?.code, 'serverBusy')
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  const third = receive(0)
  await third.take([kilobyte, kilobyte])
  assert.equal(third.problem, null)
  assert.equal((await third.finish()).size, 2048)
})

test('the first problem stays the problem', async () => {
  const incoming = createReceive({ blobs: { spool: () => memorySpool() }, budget: createByteBudget(1024 * 1024) })(100)
  await incoming.take([kilobyte])
  incoming.refuse(failure('bareNewline'))
  await assert.rejects(incoming.finish(), codeOf)
})
