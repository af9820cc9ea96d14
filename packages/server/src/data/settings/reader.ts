import {
  type AnySetting,
  declaredSettings,
  defaultOf,
  type ExpressionSetting,
  type ExpressionSource,
  type Setting,
  ValueError,
} from '@postern/contract'
import { type CompiledExpression, checkNames, compileExpression } from './compile.ts'
import type { SettingsView } from './view.ts'

const byPattern = new Map(declaredSettings.map(setting => [setting.pattern, setting]))

export type Ids = Readonly<Record<string, string>>

/** Something wrong with a value, in the shape the reload report has. */
export interface SettingProblem {
  readonly type: 'parse' | 'build' | 'macro'
  readonly error: string
}

/** Reads declared settings from one view, each once. Broken values are reported and their default is used. */
export interface ViewReader {
  value(setting: Setting, ids: Ids): unknown
  expression(setting: ExpressionSetting, ids: Ids): CompiledExpression | undefined
  readonly problems: ReadonlyMap<string, SettingProblem>
}

export function createReader(view: SettingsView): ViewReader {
  const values = new Map<string, unknown>()
  const expressions = new Map<string, CompiledExpression | undefined>()
  const problems = new Map<string, SettingProblem>()

  function parse(setting: Setting, key: string, text: string): { readonly value: unknown } | undefined {
    try {
      return { value: setting.type.parse(text) }
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      problems.set(key, { type: 'parse', error: error.message })
      return undefined
    }
  }

  /** The setting that stands in for an absent one, when it is set itself. */
  function fallbackOf({ fallback }: Setting, ids: Ids): Setting | undefined {
    const found = fallback === undefined ? undefined : byPattern.get(fallback)
    const isSet = found?.kind === 'value' && listEntries(view, fillIn(found.pattern, ids)).length > 0
    return isSet ? found : undefined
  }

  function single(setting: Setting, ids: Ids): unknown {
    for (const key of keysOf(setting, ids)) {
      const text = view.get(key)
      const parsed = text === undefined ? undefined : parse(setting, key, text)
      if (parsed !== undefined) return parsed.value
    }
    const fallback = fallbackOf(setting, ids)
    if (fallback !== undefined) return value(fallback, ids)
    const text = defaultOf(setting, ids)
    return typeof text === 'string' ? setting.type.parse(text) : undefined
  }

  function list(setting: Setting, ids: Ids): unknown {
    for (const key of keysOf(setting, ids)) {
      const entries = listEntries(view, key)
      if (entries.length === 0) continue
      return entries.flatMap(([entryKey, text]) => parse(setting, entryKey, text) ?? []).map(parsed => parsed.value)
    }
    const fallback = fallbackOf(setting, ids)
    if (fallback !== undefined) return value(fallback, ids)
    return typeof setting.default === 'object' ? setting.default.map(text => setting.type.parse(text)) : []
  }

  function set(setting: Setting, ids: Ids): unknown {
    const prefix = `${keysOf(setting, ids)[0]}.`
    return view
      .withPrefix(prefix)
      .flatMap(([key]) => parse(setting, key, key.slice(prefix.length)) ?? [])
      .map(parsed => parsed.value)
  }

  function map(setting: Setting, ids: Ids): unknown {
    const prefix = `${keysOf(setting, ids)[0]}.`
    const entries = new Map<string, unknown>()
    for (const [key, text] of view.withPrefix(prefix)) {
      const parsed = parse(setting, key, text)
      if (parsed !== undefined) entries.set(key.slice(prefix.length), parsed.value)
    }
    return entries
  }

  function value(setting: Setting, ids: Ids): unknown {
    const memo = memoKey(setting, ids)
    if (values.has(memo)) return values.get(memo)
    const read = { single, list, set, map }[setting.shape](setting, ids)
    values.set(memo, read)
    return read
  }

  function expression(setting: ExpressionSetting, ids: Ids): CompiledExpression | undefined {
    const memo = memoKey(setting, ids)
    if (expressions.has(memo)) return expressions.get(memo)
    const key = keysOf(setting, ids).find(candidate => listEntries(view, candidate).length > 0)
    let compiled: CompiledExpression | undefined
    try {
      if (key !== undefined) compiled = compileExpression(setting, sourceOf(view, key), names => checkNames(setting, names))
    } catch (error) {
      if (!(error instanceof Error)) throw error
      problems.set(key ?? setting.pattern, { type: 'parse', error: error.message })
    }
    compiled ??= setting.default === undefined ? undefined : compileExpression(setting, setting.default)
    expressions.set(memo, compiled)
    return compiled
  }

  return { value, expression, problems }
}

function memoKey(setting: AnySetting, ids: Ids): string {
  return setting.ids.length === 0 && !('defaultsBy' in setting) ? setting.pattern : `${setting.pattern}\n${JSON.stringify(ids)}`
}

function keysOf(setting: AnySetting, ids: Ids): readonly string[] {
  return [setting.pattern, ...setting.aliases].map(pattern => fillIn(pattern, ids))
}

export function fillIn(pattern: string, ids: Ids): string {
  return pattern.replace(/<([^>]+)>/g, (_all, name: string) => ids[name] ?? '')
}

/** The key itself and everything below it. */
function listEntries(view: SettingsView, key: string): ReadonlyArray<readonly [string, string]> {
  const own = view.get(key)
  const below = view.withPrefix(`${key}.`)
  return own === undefined ? below : [[key, own], ...below]
}

/** The stored form of an expression: plain text, or an if-block whose structure is checked. */
function sourceOf(view: SettingsView, key: string): ExpressionSource {
  const plain = view.get(key)
  if (plain !== undefined) return plain
  const branches: Array<{ condition: string; result: string }> = []
  const elements = Map.groupBy(view.withPrefix(`${key}.`), ([entry]) => entry.slice(key.length + 1).split('.')[0] ?? '')
  let otherwise: string | undefined
  for (const [id, entries] of elements) {
    if (otherwise !== undefined) throw new ValueError("'else' must stand in the last element")
    const members = new Map(entries.map(([entry, value]) => [entry.slice(key.length + id.length + 2), value]))
    for (const name of members.keys())
      if (!['if', 'then', 'else'].includes(name)) throw new ValueError(`'${name || id}' is neither if, then nor else`)
    const condition = members.get('if')
    const result = members.get('then')
    otherwise = members.get('else')
    if (otherwise !== undefined && (condition !== undefined || result !== undefined))
      throw new ValueError("'else' stands alone in its element")
    if (condition === undefined && result !== undefined) throw new ValueError("'then' without 'if'")
    if (condition !== undefined && result === undefined) throw new ValueError("'if' without 'then'")
    if (condition !== undefined && result !== undefined) branches.push({ condition, result })
  }
  if (otherwise === undefined) throw new ValueError("the last element must be an 'else'")
  return { branches, otherwise }
}
