// Entries as clients name them (RFC 5464 §3.2), and as the mailbox service keeps them.
import type { GetMetadataRequest } from '@postern/mail/imap'
import type { Annotation } from '#services/mailbox'

const privateScope = '/private'
const sharedScope = '/shared'

export interface Entry {
  readonly name: string
  /** Null: there is none. */
  readonly value: Uint8Array | null
}

export function entryName({ name, isPrivate }: Pick<Annotation, 'name' | 'isPrivate'>): string {
  return `${isPrivate ? privateScope : sharedScope}${name}`
}

export function ofEntryName(entry: string): Pick<Annotation, 'name' | 'isPrivate'> {
  const isPrivate = entry.startsWith(`${privateScope}/`)
  return { isPrivate, name: entry.slice((isPrivate ? privateScope : sharedScope).length) }
}

/** The entries of these names, each once; those that are not there have no value. */
export function namedEntries(annotations: readonly Annotation[], names: readonly string[]): readonly Entry[] {
  const values = new Map(annotations.map(annotation => [entryName(annotation), annotation.value]))
  return [...new Set(names)].map(name => ({ name, value: values.get(name) ?? null }))
}

/** What GETMETADATA asks for: the named entries, and with DEPTH those below that exist (RFC 5464 §4.2.2). */
export function wantedEntries(
  annotations: readonly Annotation[],
  { entries, depth }: Pick<GetMetadataRequest, 'entries' | 'depth'>,
): readonly Entry[] {
  if (depth === 0) return namedEntries(annotations, entries)
  const isWanted = (name: string): boolean =>
    entries.some(above => {
      if (name === above) return true
      if (!name.startsWith(`${above}/`)) return false
      return depth === 'infinity' || !name.includes('/', above.length + 1)
    })
  return annotations.map(annotation => ({ name: entryName(annotation), value: annotation.value })).filter(({ name }) => isWanted(name))
}
