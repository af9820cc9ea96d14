import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rfcTable } from './rfcs.ts'

test('docs/rfcs.tsv names every RFC that the source refers to, and where; `npm run generate` brings it up to date', () => {
  const root = join(import.meta.dirname, '..')
  const written = readFileSync(join(root, 'docs/rfcs.tsv'), 'utf8')
  assert.equal(written, rfcTable(root, written))
  assert.doesNotMatch(written, /\t\?\t/, 'a title is missing')
})
