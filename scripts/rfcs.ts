// docs/rfcs.tsv: every RFC that the source refers to, its title, and the modules that do. Titles are written by hand, the rest is derived.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** The table as it should be: `known` gives the titles that were written before; an unknown one is `?`. */
export function rfcTable(root: string, known: string): string {
  const titles = new Map(
    known
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .map(([number = '', title = '']) => [number, title]),
  )
  const places = new Map<number, Set<string>>()
  for (const file of sources(join(root, 'packages'))) {
    for (const [, number] of readFileSync(file, 'utf8').matchAll(/\bRFCs? (\d{3,5})\b/g)) {
      const where = places.get(Number(number)) ?? new Set()
      places.set(Number(number), where.add(moduleOf(relative(root, file))))
    }
  }
  const rows = [...places]
    .sort(([a], [b]) => a - b)
    .map(([number, where]) => `${number}\t${titles.get(String(number)) ?? '?'}\t${[...where].sort().join(' ')}\n`)
  return `rfc\ttitle\twhere\n${rows.join('')}`
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* sources(path)
    else if (entry.name.endsWith('.ts') && !/\.(test|suite)\.ts$/.test(entry.name)) yield path
  }
}

/** `mail/imap`, `server/services/queue`, `contract`. */
function moduleOf(path: string): string {
  const [, name = '', , layer, module] = path.split(sep)
  if (name === 'server') return module === undefined || module.endsWith('.ts') ? `server/${layer}` : `server/${layer}/${module}`
  return name === 'mail' && layer !== undefined ? `mail/${layer}` : name
}
