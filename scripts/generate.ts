// Writes every file that is derived from the source. Golden tests fail when this was forgotten.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { derivedFiles as filesOfCommands } from '@postern/cli'
import { derivedFiles as filesOfContract } from '@postern/contract/documents'
import { rfcTable } from './rfcs.ts'
import { unreadSettings, unreadSettingsFile } from './setting-readers.ts'

const root = join(import.meta.dirname, '..')

for (const [name, make] of Object.entries({ ...filesOfContract, ...filesOfCommands })) {
  const file = join(root, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, make())
}

const rfcs = join(root, 'docs/rfcs.tsv')
await writeFile(rfcs, rfcTable(root, await readFile(rfcs, 'utf8')))

// Only what was in the list stays in it.
const unread = unreadSettings(root)
const listed = (await readFile(join(root, unreadSettingsFile), 'utf8')).trim().split('\n')
await writeFile(join(root, unreadSettingsFile), `${listed.filter(pattern => unread.includes(pattern)).join('\n')}\n`)
