import { byBytes } from './toml.ts'

/** All settings at one moment: keys in byte order, texts as values. Immutable. */
export interface SettingsView {
  readonly size: number
  get(key: string): string | undefined
  /** Entries whose key starts with the prefix, in order. */
  withPrefix(prefix: string): ReadonlyArray<readonly [key: string, value: string]>
}

export function createView(values: Iterable<readonly [string, string]>): SettingsView {
  const map = new Map(values)
  const keys = [...map.keys()].sort(byBytes)
  return {
    size: keys.length,
    get: key => map.get(key),
    withPrefix(prefix) {
      const found: Array<readonly [string, string]> = []
      for (let at = firstAtLeast(keys, prefix); at < keys.length; at++) {
        const key = keys[at] ?? ''
        if (!key.startsWith(prefix)) break
        found.push([key, map.get(key) ?? ''])
      }
      return found
    },
  }
}

function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byBytes(keys[middle] ?? '', wanted) < 0) low = middle + 1
    else high = middle
  }
  return low
}
