import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findPortBase } from './server-process.ts'

test('test processes that look for ports at the same time find different ones', async () => {
  const here = await Promise.all([findPortBase(), findPortBase(), findPortBase()])
  const module = JSON.stringify(new URL('./server-process.ts', import.meta.url).href)
  const look = `import { findPortBase } from ${module}; console.log(await findPortBase())`
  // Whatever the ids of the processes, each starts its search where the others may have found something.
  const there = await Promise.all(
    Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', `${look}; setTimeout(() => {}, 500)`]),
    ),
  )
  const found = [...here, ...there.map(({ stdout }) => Number(stdout))]
  assert.equal(new Set(found).size, found.length, found.join(' '))
})
