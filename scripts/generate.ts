// Writes every file that is derived from the contract. The contract's golden test fails when this was forgotten.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { derivedFiles } from '@postern/contract/documents'

const root = join(import.meta.dirname, '..')

for (const [name, make] of Object.entries(derivedFiles)) {
  const file = join(root, name)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, make())
}
