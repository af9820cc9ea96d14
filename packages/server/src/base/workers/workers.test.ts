import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorkers } from './index.ts'

const tasks = import.meta.resolve('./testing/tasks.ts')

test('a task runs in a thread and its error comes back', async () => {
  await using workers = createWorkers({ threads: 1 })
  assert.equal(await workers.run(tasks, 'double', 21), 42)
  await assert.rejects(workers.run(tasks, 'fail', 'no luck'), /no luck/)
  assert.deepEqual(await Promise.all([1, 2, 3].map(n => workers.run(tasks, 'double', n))), [2, 4, 6])
})
