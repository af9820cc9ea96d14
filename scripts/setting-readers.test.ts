import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { unreadSettings, unreadSettingsFile } from './setting-readers.ts'

test('every setting has a reader, but for those in a list that only shrinks', () => {
  const root = join(import.meta.dirname, '..')
  const unread = unreadSettings(root)
  const known = readFileSync(join(root, unreadSettingsFile), 'utf8').trim().split('\n')
  assert.deepEqual(
    unread.filter(pattern => !known.includes(pattern)),
    [],
    'these lost their reader',
  )
  assert.deepEqual(
    known.filter(pattern => !unread.includes(pattern)),
    [],
    'these have a reader now: `npm run generate` takes them out of the list',
  )
})
