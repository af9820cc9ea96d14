import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { readBoundedFile } from './index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'))
  await writeFile(join(folder, 'exact'), Buffer.alloc(100_000, 'x'))
  await promisify(execFile)('mkfifo', [join(folder, 'pipe')])
})
after(() => rm(folder, { recursive: true }))

test('a file is read up to its limit, also one that tells no size', async () => {
  assert.deepEqual(await readBoundedFile(join(folder, 'exact'), 100_000), Buffer.alloc(100_000, 'x'))
  await assert.rejects(readBoundedFile(join(folder, 'exact'), 99_999), /longer than 99999 bytes/)
  assert.match((await readBoundedFile('/proc/self/status', 100_000)).toString(), /^Name:/)
})

for (const name of ['/dev/zero', 'pipe', '.']) {
  test(`${name} is no file, and read neither for ever nor at all`, async () => {
    await assert.rejects(readBoundedFile(name.startsWith('/') ? name : join(folder, name), 1000), /no regular file/)
  })
}
