import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '@postern/contract'
import { createTurns } from './turns.ts'

/** Work that waits until it is let go, and notes when it began. */
function workshop() {
  const begun: string[] = []
  const open: Array<() => void> = []
  return {
    begun,
    work: (name: string) => () => {
      begun.push(name)
      return new Promise<void>(resolve => open.push(resolve))
    },
    async finishOne() {
      open.shift()?.()
      for (let i = 0; i < 10; i++) await Promise.resolve()
    },
  }
}

test('a crowd at one address delays somebody at another by one turn', async () => {
  const { begun, work, finishOne } = workshop()
  const turns = createTurns(1)
  for (let i = 0; i < 100; i++) void turns(['198.51.100.1', `guess${i}`], work(`storm ${i}`))
  void turns(['192.0.2.1', 'jane'], work('jane'))
  await finishOne()
  await finishOne()
  assert.deepEqual(begun, ['storm 0', 'storm 1', 'jane'])
})

test('a crowd with one name delays another name at the same address by one turn', async () => {
  const { begun, work, finishOne } = workshop()
  const turns = createTurns(1)
  for (let i = 0; i < 100; i++) void turns(['198.51.100.1', 'admin'], work(`storm ${i}`))
  void turns(['198.51.100.1', 'jane'], work('jane'))
  await finishOne()
  await finishOne()
  assert.deepEqual(begun, ['storm 0', 'storm 1', 'jane'])
})

test('everybody gets a turn, no more at once than allowed, and a failure gives its place on', async () => {
  const turns = createTurns(2)
  let running = 0
  let most = 0
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      turns([String(index % 3), String(index % 7)], async () => {
        running += 1
        most = Math.max(most, running)
        await Promise.resolve()
        running -= 1
        if (index % 5 === 0) throw new Error('broken')
        return index
      }),
    ),
  )
  assert.equal(most, 2)
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 40)
})

test('work of nobody in particular is done as well', async () => {
  const { begun, work, finishOne } = workshop()
  const turns = createTurns(1)
  void turns([], work('first'))
  void turns([], work('second'))
  void turns(['a', 'b'], work('third'))
  for (let i = 0; i < 3; i++) await finishOne()
  assert.deepEqual(begun.toSorted(), ['first', 'second', 'third'])
})

test('a source that lets too many wait is refused, others are not', async () => {
  const { work } = workshop()
  const turns = createTurns(1)
  for (let i = 0; i < 501; i++) void turns(['198.51.100.1', 'x'], work('storm'))
  await assert.rejects(turns(['198.51.100.1', 'y'], work('more')), (error: unknown) => {
    return error instanceof Failure && error.code === 'temporaryAuthFailure'
  })
  void turns(['192.0.2.1', 'x'], work('other'))
})
