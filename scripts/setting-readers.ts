import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settings } from '@postern/contract'

/** Settings that nothing in the server reads: what is not built yet. The list in the file only shrinks. */
export const unreadSettingsFile = 'packages/contract/golden/unread-settings.txt'

/** Patterns of the settings whose name occurs nowhere in the server's source. */
export function unreadSettings(root: string): readonly string[] {
  const files = globSync('packages/server/src/**/*.ts', { cwd: root }).filter(file => !file.endsWith('.test.ts'))
  const source = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n')
  const read = new Set([...source.matchAll(/\b([a-z][A-Za-z]*)\.(?=([a-z][A-Za-z0-9]*))/g)].map(([, family, name]) => `${family}.${name}`))
  return Object.entries(settings).flatMap(([family, members]) =>
    Object.values(members as Readonly<Record<string, { name: string; pattern: string }>>)
      .filter(({ name }) => !read.has(`${family}.${name}`))
      .map(({ pattern }) => pattern),
  )
}
