import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatSettingsFile, parseSettingsFile } from './toml.ts'

export async function readSettingsFile(path: string): Promise<Map<string, string>> {
  return parseSettingsFile(await readFile(path, 'utf8'))
}

/**
 * Replaces the file as a whole: after a crash it is the old one or the new one, never half of it. Of its comments those at the top stay.
 */
export async function writeSettingsFile(path: string, values: ReadonlyMap<string, string>): Promise<void> {
  const draft = `${path}.new`
  try {
    const preface = await readPreface(path)
    await using file = await open(draft, 'w', 0o600)
    await file.writeFile(preface + formatSettingsFile(values))
    await file.sync()
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await rename(draft, path)
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

/** The comments and empty lines that the file begins with. */
async function readPreface(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return /^(?:[ \t]*(?:#.*)?\r?\n)*/.exec(text)?.[0] ?? ''
}
