import { foreignKeys } from './placement.ts'
import type { AnySetting } from './setting.ts'

/** A key that belongs to a declared setting. */
export interface FoundSetting {
  readonly setting: AnySetting
  /** What the key has in place of each placeholder. Ids may contain dots. */
  readonly ids: Readonly<Record<string, string>>
  /** What follows the pattern: index of a list element, element of a set, name of an entry, `NNNN.if` of an if-block. */
  readonly rest: string | undefined
}

interface Matcher {
  readonly setting: AnySetting
  readonly pattern: RegExp
  /** Characters of the pattern that are no placeholder: the more of them, the better the match. */
  readonly weight: number
}

export interface SettingIndex {
  readonly find: (key: string) => FoundSetting | undefined
  readonly suggest: (key: string) => string | undefined
}

/** Longest key that is looked at; longer ones belong to nothing. */
const longestKey = 1_024

/** Prepares finding keys among the given settings. */
export function indexSettings(declared: readonly AnySetting[]): SettingIndex {
  const families = new Map<string, Matcher[]>()
  for (const setting of declared) {
    const matchers = families.get(setting.family) ?? []
    families.set(setting.family, [...matchers, matcherOf(setting)])
  }
  for (const matchers of families.values()) matchers.sort((a, b) => b.weight - a.weight)
  return {
    find: key => findAmong(families.get(firstSegment(key)) ?? [], key),
    suggest: key => suggestAmong(declared, key),
  }
}

function firstSegment(key: string): string {
  const dot = key.indexOf('.')
  return dot < 0 ? key : key.slice(0, dot)
}

function matcherOf(setting: AnySetting): Matcher {
  const literal = setting.pattern.replace(/<[^>]+>/g, '')
  // The id before a map's entries is one segment: everything after it is the entry.
  const id = isMap(setting) ? '([^.]+)' : '(.+)'
  const body = setting.pattern
    .split(/<[^>]+>/)
    .map(RegExp.escape)
    .join(id)
  return { setting, pattern: new RegExp(`^${body}${restPattern(setting)}$`, 's'), weight: literal.length }
}

function isMap(setting: AnySetting): boolean {
  return setting.kind === 'value' && setting.shape === 'map'
}

function restPattern(setting: AnySetting): string {
  if (setting.kind === 'expression') return setting.bare ? '' : '(?:\\.([0-9]+\\.(?:if|then|else)))?'
  if (setting.shape === 'single') return ''
  return setting.shape === 'list' ? '(?:\\.(.+))?' : '\\.(.+)'
}

function findAmong(matchers: readonly Matcher[], key: string): FoundSetting | undefined {
  if (key.length > longestKey) return undefined
  for (const { setting, pattern } of matchers) {
    const match = pattern.exec(key)
    if (match === null) continue
    const ids = Object.fromEntries(setting.ids.map((name, index) => [name, match[index + 1] ?? '']))
    return { setting, ids, rest: match[setting.ids.length + 1] }
  }
  return undefined
}

function suggestAmong(declared: readonly AnySetting[], key: string): string | undefined {
  if (key.length > longestKey) return undefined
  const foreign = Object.entries(foreignKeys).find(([prefix]) => key === prefix || key.startsWith(`${prefix}.`))
  if (foreign !== undefined) {
    const [prefix, advice] = foreign
    return 'use' in advice ? advice.use + key.slice(prefix.length) : undefined
  }
  const segments = key.split('.')
  let best: { readonly text: string; readonly distance: number } | undefined
  for (const setting of declared) {
    const text = filledPattern(setting, segments)
    const allowed = Math.max(2, Math.floor(text.length / 6))
    const distance = editDistance(key, text, Math.min(allowed, best?.distance ?? allowed))
    if (distance !== undefined && (best === undefined || distance < best.distance)) best = { text, distance }
  }
  return best?.text
}

/** The pattern with ids taken from the same places of the key. */
function filledPattern(setting: AnySetting, segments: readonly string[]): string {
  const parts = setting.pattern.split('.')
  return parts.map((part, index) => (part.startsWith('<') ? (segments[index] ?? part) : part)).join('.')
}

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other, undefined above the limit. */
function editDistance(from: string, to: string, limit: number): number | undefined {
  if (Math.abs(from.length - to.length) > limit) return undefined
  let before: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      const replaced = (previous[column - 1] ?? 0) + (same ? 0 : 1)
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1] ? (before[column - 2] ?? limit) + 1 : replaced
      current.push(Math.min(replaced, swapped, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    if (Math.min(...current) > limit) return undefined
    before = previous
    previous = current
  }
  const distance = previous[to.length] ?? limit + 1
  return distance > limit ? undefined : distance
}
