// All settings: the file's and the store's merged into one view, read through the contract's declarations. Owns the settings file,
// macros, expressions and reloading. Never decides what a setting means.
import { basename } from 'node:path'
import {
  type AnySetting,
  settings as declared,
  defaultLocalPatterns,
  type ExpressionSetting,
  type ExpressionSource,
  failure,
  findSetting,
  type Setting,
  suggestSetting,
} from '@postern/contract'
import { changeSettings, listSettings, type SettingsOperation, type Store } from '#data/store'
import { type ExpressionFunctions, evaluateCompiled, type Variables } from './evaluation.ts'
import { readSettingsFile, writeSettingsFile } from './file.ts'
import { compileLocalKeys, type LocalKeys } from './local-keys.ts'
import { expandMacros, type MacroSources } from './macros.ts'
import { createReader, fillIn, type Ids, type SettingProblem, type ViewReader } from './reader.ts'
import { formatSettingsFile, parseSettingsFile, SettingsFileError } from './toml.ts'
import { createView, type SettingsView } from './view.ts'

export type { ExpressionFunctions, Variables } from './evaluation.ts'
export { ExpressionError } from './expressions/syntax.ts'
export type { Value } from './expressions/values.ts'
export { compileLocalKeys } from './local-keys.ts'
export type { MacroSources } from './macros.ts'
export type { SettingProblem } from './reader.ts'
export { createView, type SettingsView } from './view.ts'
export { formatSettingsFile, parseSettingsFile, SettingsFileError }

/** Ids to fill in; nothing for a setting without placeholders. */
type IdsArgument<I extends string> = [I] extends [never] ? [] : [ids: Readonly<Record<I, string>>]

export interface SettingsReader {
  /** The value in force: the stored one, else the default. A broken stored value counts as absent. */
  read<T, I extends string>(setting: Setting<T, I>, ...ids: IdsArgument<I>): T
  /** Evaluates an expression setting; undefined when it gives no value of its kind. */
  evaluate<R, I extends string>(setting: ExpressionSetting<R, I>, variables: Variables, ...ids: IdsArgument<I>): Promise<R | undefined>
  /** Ids `x` for which the setting's key exists with `x` in place of its first placeholder, in key order. */
  idsOf(setting: AnySetting): readonly string[]
}

export type SettingWarning =
  | { readonly type: 'missing' }
  | { readonly type: 'appliedDefault'; readonly default: string }
  | { readonly type: 'unread'; readonly value: string }
  | { readonly type: 'build' | 'parse'; readonly error: string }

export interface ReloadReport {
  readonly errors: Readonly<Record<string, SettingProblem>>
  readonly warnings: Readonly<Record<string, SettingWarning>>
}

/** A change of settings, in the order given, all or none. */
export type SettingsChange =
  | { readonly kind: 'put'; readonly entries: ReadonlyArray<readonly [key: string, value: string]> }
  | { readonly kind: 'delete'; readonly keys: readonly string[] }
  | { readonly kind: 'deletePrefix'; readonly prefix: string }
  /** Fails with `assertFailed` when the key, or any key with the prefix, exists. */
  | { readonly kind: 'assertAbsent'; readonly key: string }
  | { readonly kind: 'assertNone'; readonly prefix: string }

export interface Settings extends SettingsReader {
  /** What is stored now, macros unexpanded; changes show at once, but take effect with the next reload. */
  stored(): SettingsView
  /** Stores changes: local keys in the file, all others in the database. */
  change(changes: readonly SettingsChange[]): Promise<void>
  /**
   * Puts the stored settings into force, unless one of them is broken. `only` limits it to keys with one of the prefixes.
   * With `dryRun` nothing changes.
   */
  reload(options?: { readonly dryRun?: boolean; readonly only?: readonly string[] }): Promise<ReloadReport>
  /** Calls back after each reload that changed what is in force. */
  onReload(listener: () => void): () => void
  /** Provides the functions of expressions that ask other parts of the server. */
  useFunctions(functions: ExpressionFunctions): void
  /** What is broken in the values that are in force, by key; each counts as absent. */
  problems(): ReloadReport['errors']
}

export interface SettingsParts {
  /** The settings file; none in tests that keep everything in the store. */
  readonly file?: string
  readonly store: Store
  readonly macros: MacroSources
  /** Stand in for the declared defaults: each takes the place of a key that is not set, nor anything below it. Not listed as stored. */
  readonly defaults?: ReadonlyMap<string, ExpressionSource>
}

/** Loads everything; rejects with SettingsFileError when the file can't be understood. */
export async function openSettings({ file, store, macros, defaults = new Map() }: SettingsParts): Promise<Settings> {
  let stored = await load(file, store)
  let active = await activate(stored, macros, defaults)
  let functions: ExpressionFunctions = {}
  const listeners = new Set<() => void>()
  // One change after the other: each may rewrite the file.
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  return {
    read: (setting, ...ids) => active.reader.value(setting, ids[0] ?? {}) as never,
    async evaluate(setting, variables, ...ids) {
      const compiled = active.reader.expression(setting, ids[0] ?? {})
      return (await evaluateCompiled(compiled, variables, functions)) as never
    },
    idsOf: setting => idsOf(active.view, setting),
    stored: () => stored.view,
    change: changes =>
      inTurn(async () => {
        // From the file as it is now: an administrator may have edited it since.
        const now = await load(file, store).catch(unreadable)
        await store.write(changeSettings, { operations: await splitLocal(file, now, changes) })
        stored = await load(file, store)
      }),
    reload: ({ dryRun = false, only } = {}) =>
      inTurn(async () => {
        const next = await load(file, store).catch(brokenFile)
        if (next instanceof SettingsFileError) {
          return { errors: { [basename(file ?? '')]: { type: 'parse', error: next.message } }, warnings: {} }
        }
        const candidate = await activate(only === undefined ? next : merge(active.source, next, only), macros, defaults)
        const report = check(candidate)
        if (dryRun || Object.keys(report.errors).length > 0) return report
        stored = next
        active = candidate
        for (const listener of listeners) listener()
        return report
      }),
    onReload(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    useFunctions(given) {
      functions = given
    },
    problems: () => check(active).errors,
  }
}

/** A file that cannot be understood is no reason to lose what it holds. */
function unreadable(error: unknown): never {
  if (!(error instanceof SettingsFileError)) throw error
  throw failure('other', { details: 'The settings file cannot be understood', reason: error.message }, { cause: error })
}

function brokenFile(error: unknown): SettingsFileError {
  if (error instanceof SettingsFileError) return error
  throw error
}

interface Source {
  /** File and store merged, macros unexpanded. */
  readonly view: SettingsView
  readonly local: ReadonlyMap<string, string>
  readonly remote: ReadonlyMap<string, string>
  readonly isLocal: LocalKeys
}

interface Active {
  readonly source: Source
  readonly view: SettingsView
  readonly reader: ViewReader
  readonly macroErrors: ReadonlyMap<string, string>
}

const pageSize = 1000

async function load(file: string | undefined, store: Store): Promise<Source> {
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

async function activate(source: Source, macros: MacroSources, defaults: ReadonlyMap<string, ExpressionSource>): Promise<Active> {
  const expanded = await expandMacros(source.local, macros)
  const set = createView([...source.remote, ...expanded.values])
  const absent = [...defaults].filter(([key]) => set.get(key) === undefined && set.withPrefix(`${key}.`).length === 0)
  const view = createView([...absent.flatMap(([key, value]) => storedForm(key, value)), ...set.withPrefix('')])
  return { source, view, reader: createReader(view), macroErrors: expanded.errors }
}

/** An expression as it is stored: under its key, or as an if-block below it. */
function storedForm(key: string, source: ExpressionSource): Array<[string, string]> {
  if (typeof source === 'string') return [[key, source]]
  const branches = source.branches.flatMap(
    ({ condition, result }, index): Array<[string, string]> => [
      [`${key}.${index}.if`, condition],
      [`${key}.${index}.then`, result],
    ],
  )
  return [...branches, [`${key}.${source.branches.length}.else`, source.otherwise]]
}

/** The old settings with everything below the prefixes taken from the new ones. */
function merge(old: Source, next: Source, prefixes: readonly string[]): Source {
  const isPart = (key: string): boolean => prefixes.some(prefix => key === prefix || key.startsWith(`${prefix}.`))
  const pick = (from: ReadonlyMap<string, string>, wanted: boolean): Array<[string, string]> =>
    [...from].filter(([key]) => isPart(key) === wanted)
  const local = new Map([...pick(old.local, false), ...pick(next.local, true)])
  const remote = new Map([...pick(old.remote, false), ...pick(next.remote, true)])
  return { view: createView([...remote, ...local]), local, remote, isLocal: old.isLocal }
}

/** Reads every stored key by its declaration, so that what is broken shows before it is needed. */
function check({ view, reader, macroErrors }: Active): ReloadReport {
  const errors: Record<string, SettingProblem> = {}
  const warnings: Record<string, SettingWarning> = {}
  for (const [key, error] of macroErrors) errors[key] = { type: 'macro', error }
  for (const [key, value] of view.withPrefix('')) {
    const found = findSetting(key)
    if (found === undefined) {
      // Free keys are allowed; a near miss is most likely a mistake.
      if (suggestSetting(key) !== undefined) warnings[key] = { type: 'unread', value }
    } else if (found.setting.kind === 'expression') reader.expression(found.setting, found.ids)
    else reader.value(found.setting, found.ids)
  }
  return { errors: { ...Object.fromEntries(reader.problems), ...errors }, warnings }
}

function idsOf(view: SettingsView, setting: AnySetting): readonly string[] {
  const [prefix = '', suffix = ''] = setting.pattern.split(/<[^>]+>/)
  const ids: string[] = []
  for (const [key] of view.withPrefix(prefix)) {
    if (suffix === '' && key.length > prefix.length) ids.push(key.slice(prefix.length))
    else if (suffix !== '') {
      const end = key.endsWith(suffix) ? key.length - suffix.length : key.indexOf(`${suffix}.`, prefix.length)
      if (end > prefix.length) ids.push(key.slice(prefix.length, end))
    }
  }
  return [...new Set(ids)]
}

/** Writes the local part of a change into the file; what is left is for the store. */
async function splitLocal(
  file: string | undefined,
  { local, isLocal }: Source,
  changes: readonly SettingsChange[],
): Promise<SettingsOperation[]> {
  const nextLocal = new Map(local)
  const operations: SettingsOperation[] = []
  for (const change of changes) {
    switch (change.kind) {
      case 'put': {
        for (const [key, value] of change.entries) if (isLocal(key)) nextLocal.set(key, value)
        const entries = change.entries.filter(([key]) => !isLocal(key)).map(([key, value]) => ({ key, value }))
        if (entries.length > 0) operations.push({ kind: 'put', entries })
        break
      }
      case 'delete':
        for (const key of change.keys) nextLocal.delete(key)
        operations.push(change)
        break
      case 'deletePrefix':
        for (const key of [...nextLocal.keys()]) if (key.startsWith(change.prefix)) nextLocal.delete(key)
        operations.push(change)
        break
      case 'assertAbsent':
        if (local.has(change.key)) throw failure('assertFailed', { key: change.key })
        operations.push(change)
        break
      case 'assertNone':
        for (const key of local.keys()) if (key.startsWith(change.prefix)) throw failure('assertFailed', { key })
        operations.push(change)
        break
    }
  }
  // The file first: a failed write leaves the store alone; the other way round a half-done change could stay.
  if (file !== undefined && !isSame(local, nextLocal)) await writeSettingsFile(file, nextLocal)
  return operations
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

export type { Ids as SettingIdValues }
export { fillIn as settingKey }

/** What the settings file alone says, for the time before a store is open. Rejects with SettingsFileError. */
export async function readFileSettings(file: string, macros: MacroSources): Promise<Pick<SettingsReader, 'read' | 'idsOf'>> {
  const { values } = await expandMacros(await readSettingsFile(file), macros)
  const view = createView(values)
  const reader = createReader(view)
  return { read: (setting, ...ids) => reader.value(setting, ids[0] ?? {}) as never, idsOf: setting => idsOf(view, setting) }
}
