// What is stored, file and store merged, and what a change makes of it.
import { settings as declared, defaultLocalPatterns, failure } from '@postern/contract'
import { listSettings, type SettingDifference, type SettingsOperation, type Store } from '#data/store'
import { readSettingsFile } from './file.ts'
import { compileLocalKeys, type LocalKeys } from './local-keys.ts'
import { createView, type SettingsView } from './view.ts'

export interface Source {
  /** File and store merged, macros unexpanded. */
  readonly view: SettingsView
  readonly local: ReadonlyMap<string, string>
  readonly remote: ReadonlyMap<string, string>
  readonly isLocal: LocalKeys
}

/** A change of settings, in the order given, all or none. */
export type SettingsChange =
  | { readonly kind: 'put'; readonly entries: ReadonlyArray<readonly [key: string, value: string]> }
  | { readonly kind: 'delete'; readonly keys: readonly string[] }
  | { readonly kind: 'deletePrefix'; readonly prefix: string }
  /** Fails with `assertFailed` when the key, or any key with the prefix, exists. */
  | { readonly kind: 'assertAbsent'; readonly key: string }
  | { readonly kind: 'assertNone'; readonly prefix: string }

const pageSize = 1000

export async function load(file: string | undefined, store: Store): Promise<Source> {
  const local = file === undefined ? new Map<string, string>() : await readSettingsFile(file)
  const patterns = [...local].filter(([key]) => key === localKeysKey || key.startsWith(`${localKeysKey}.`)).map(([, value]) => value)
  const isLocal = file === undefined ? () => false : compileLocalKeys(patterns.length > 0 ? patterns : defaultLocalPatterns)
  const remote = new Map<string, string>()
  for (let after: string | undefined; ; ) {
    const page = await store.read(listSettings, { prefix: '', limit: pageSize, ...(after !== undefined && { after }) })
    for (const { key, value } of page) if (!isLocal(key)) remote.set(key, value)
    after = page.at(-1)?.key
    if (page.length < pageSize) break
  }
  return { view: createView([...remote, ...local]), local, remote, isLocal }
}

const localKeysKey = declared.config.localKeys.pattern

/** The old settings with everything below the prefixes taken from the new ones. */
export function merge(old: Source, next: Source, prefixes: readonly string[]): Source {
  const isPart = (key: string): boolean => prefixes.some(prefix => key === prefix || key.startsWith(`${prefix}.`))
  const pick = (from: ReadonlyMap<string, string>, wanted: boolean): Array<[string, string]> =>
    [...from].filter(([key]) => isPart(key) === wanted)
  const local = new Map([...pick(old.local, false), ...pick(next.local, true)])
  const remote = new Map([...pick(old.remote, false), ...pick(next.remote, true)])
  return { view: createView([...remote, ...local]), local, remote, isLocal: old.isLocal }
}

/** What a change would leave behind, nothing of it stored; the differences are in key order. */
export interface Changed {
  readonly source: Source
  readonly differences: readonly SettingDifference[]
  /** What is to be done in the store. */
  readonly operations: readonly SettingsOperation[]
}

/** Throws `assertFailed` when an assertion does not hold, `invalidParameters` for keys and values that cannot be stored. */
export function applyChanges({ local, remote, isLocal }: Source, changes: readonly SettingsChange[]): Changed {
  const nextLocal = new Map(local)
  const nextRemote = new Map(remote)
  const operations: SettingsOperation[] = []
  const present = function* (): Generator<string> {
    yield* nextLocal.keys()
    yield* nextRemote.keys()
  }
  for (const change of changes) {
    switch (change.kind) {
      case 'put': {
        for (const [key, value] of change.entries) {
          checkStorable(key, value)
          if (isLocal(key)) nextLocal.set(key, value)
          else nextRemote.set(key, value)
        }
        const entries = change.entries.filter(([key]) => !isLocal(key)).map(([key, value]) => ({ key, value }))
        if (entries.length > 0) operations.push({ kind: 'put', entries })
        break
      }
      case 'delete':
        for (const key of change.keys) for (const map of [nextLocal, nextRemote]) map.delete(key)
        operations.push(change)
        break
      case 'deletePrefix':
        for (const map of [nextLocal, nextRemote]) for (const key of [...map.keys()]) if (key.startsWith(change.prefix)) map.delete(key)
        operations.push(change)
        break
      case 'assertAbsent':
        if (nextLocal.has(change.key) || nextRemote.has(change.key)) throw failure('assertFailed', { key: change.key })
        operations.push(change)
        break
      case 'assertNone':
        for (const key of present()) if (key.startsWith(change.prefix)) throw failure('assertFailed', { key })
        operations.push(change)
        break
    }
  }
  const source = { view: createView([...nextRemote, ...nextLocal]), local: nextLocal, remote: nextRemote, isLocal }
  const differences = [...differencesOf(local, nextLocal, 'file'), ...differencesOf(remote, nextRemote, 'database')]
  return { source, differences, operations }
}

/** Keys whose value differs, sorted by key. */
export function differencesOf(
  old: ReadonlyMap<string, string>,
  next: ReadonlyMap<string, string>,
  place: SettingDifference['place'],
): readonly SettingDifference[] {
  const keys = new Set([...old.keys(), ...next.keys()])
  return [...keys]
    .sort()
    .flatMap(key => (old.get(key) === next.get(key) ? [] : [{ key, place, before: old.get(key), after: next.get(key) }]))
}

/** Longest key in bytes: what an index of every engine takes. */
const longestKey = 1024

function checkStorable(key: string, value: string): void {
  if (key === '' || Buffer.byteLength(key) > longestKey || /\p{Cc}/u.test(key))
    throw failure('invalidParameters', { detail: `a key has 1 to ${longestKey} bytes, none of them a control character` })
  if (value.includes('\0')) throw failure('invalidParameters', { detail: `${key}: a value has no NUL characters` })
}
