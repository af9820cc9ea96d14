// All settings: the file's and the store's merged into one view, read through the contract's declarations. Owns the settings file,
// macros, expressions and reloading. Never decides what a setting means.
import { basename } from 'node:path'
import {
  type AnySetting,
  type ExpressionSetting,
  type ExpressionSource,
  failure,
  findSetting,
  type Reload,
  type Setting,
} from '@postern/contract'
import { type Clock, systemClock } from '#base/clock'
import {
  type ChangeSetFilter,
  changeSettings,
  forgetChangeSets,
  readRememberedFile,
  recordFileEdits,
  rememberFile,
  type SettingDifference,
  type Store,
} from '#data/store'
import { checkView, concealing, onlyBelow, type ReloadReport } from './check.ts'
import { type ExpressionFunctions, evaluateCompiled, type Variables } from './evaluation.ts'
import { readSettingsFile, writeSettingsFile } from './file.ts'
import { type ChangeSetDetail, type ChangeSetPage, findChangeSet, listHistory, masked, reversal } from './history.ts'
import { expandMacros, type MacroSources } from './macros.ts'
import { createReader, fillIn, type Ids, type ViewReader } from './reader.ts'
import { applyChanges, differencesOf, load, merge, type SettingsChange, type Source } from './source.ts'
import { formatSettingsFile, parseSettingsFile, SettingsFileError } from './toml.ts'
import { createView, type SettingsView } from './view.ts'

export { isSecret, type ReloadReport, type SettingWarning } from './check.ts'
export type { ExpressionFunctions, Variables } from './evaluation.ts'
export { ExpressionError } from './expressions/syntax.ts'
export type { Value } from './expressions/values.ts'
export type { ChangeSetDetail, ChangeSetPage, ChangeSetSummary } from './history.ts'
export { compileLocalKeys } from './local-keys.ts'
export type { MacroSources } from './macros.ts'
export type { SettingProblem } from './reader.ts'
export type { SettingsChange } from './source.ts'
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

/** What a change would do, nothing of it done. */
export interface SettingsPlan extends ReloadReport {
  readonly differences: ReadonlyArray<SettingDifference & { readonly reload: Reload | undefined }>
}

/** Who changes settings, and what for. */
export interface ChangeAuthor {
  /** Name of the account, or `system`. */
  readonly author: string
  readonly note?: string
}

export type SettingsCheck = (candidate: Pick<SettingsReader, 'read' | 'idsOf'>) => Partial<ReloadReport>

export interface Settings extends SettingsReader {
  /** What is stored now, macros unexpanded; changes show at once, but take effect with the next reload. */
  stored(): SettingsView
  /** Reads what is stored now as if it were in force. */
  preview(): Promise<Pick<SettingsReader, 'read' | 'idsOf'>>
  /**
   * Stores changes: local keys in the file, all others in the database, and records them as a change set. @returns its id, if
   * anything differs
   */
  change(changes: readonly SettingsChange[], by?: ChangeAuthor): Promise<number | undefined>
  /** What `change` would do and the next reload would say; throws what `change` would throw. */
  plan(changes: readonly SettingsChange[]): Promise<SettingsPlan>
  /** Change sets, newest first. */
  history(
    filter: ChangeSetFilter & { readonly before?: number },
    page: { readonly skip: number; readonly limit: number },
  ): Promise<ChangeSetPage>
  /** One change set, marks in place of secrets; throws `resourceNotFound`. */
  changeSet(id: number): Promise<ChangeSetDetail>
  /**
   * Brings back what was there before a change set, as a change set of its own. Throws `resourceNotFound`; `other` when a key was
   * changed since, unless `force`. @returns the id of the new set, if anything differs
   */
  rollBack(id: number, by: ChangeAuthor, options?: { readonly force?: boolean }): Promise<number | undefined>
  /** Forgets change sets that are old or too many. */
  tidyHistory(): Promise<void>
  /**
   * Puts the stored settings into force, unless one of them is broken. `only` limits it, and the report, to keys with one of the
   * prefixes. With `dryRun` nothing changes.
   */
  reload(options?: { readonly dryRun?: boolean; readonly only?: readonly string[] }): Promise<ReloadReport>
  /** Calls back after each reload that changed what is in force. */
  onReload(listener: () => void): () => void
  /** Looks at settings before they act, where one declaration alone can't tell. */
  addCheck(check: SettingsCheck): () => void
  /**
   * Does work after each full reload; what fails is in the answer of the reload. It must not change or reload settings itself.
   */
  onApply(work: () => Promise<ReloadReport['errors']>): () => void
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
  readonly clock?: Pick<Clock, 'now'>
}

/** How much of the history is kept. */
const keptChangeSets = 10_000
const keptForMs = 365 * 24 * 60 * 60 * 1000

/** Loads everything; rejects with SettingsFileError when the file can't be understood. */
export async function openSettings({ file, store, macros, defaults = new Map(), clock = systemClock }: SettingsParts): Promise<Settings> {
  let stored = await load(file, store)
  let active = await activate(stored, macros, defaults)
  let functions: ExpressionFunctions = {}
  let seen = await firstSight(file, store, stored.local)
  const listeners = new Set<() => void>()
  const checks = new Set<SettingsCheck>()
  const works = new Set<() => Promise<ReloadReport['errors']>>()
  // One change or reload after the other: each may rewrite the file.
  let last: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  function check(candidate: Active): ReloadReport {
    const { errors, warnings } = checkView(candidate.view, candidate.reader)
    const found = [...checks].map(look => look(readerOf(candidate)))
    const report = {
      errors: Object.assign({}, ...found.map(one => one.errors), errors),
      warnings: Object.assign({}, ...found.map(one => one.warnings), warnings),
    }
    const { errors: shown, warnings: shownWarnings } = concealing(report, candidate.source.view)
    return { errors: { ...shown, ...macroProblems(candidate) }, warnings: shownWarnings }
  }

  /** What was edited by hand becomes a change set before anything else is recorded. */
  async function noteEdits(local: ReadonlyMap<string, string>): Promise<void> {
    const differences = file === undefined ? [] : differencesOf(seen, local, 'file')
    if (differences.length > 0)
      await store.write(recordFileEdits, { origin: { author: 'file', note: 'edited by hand', at: clock.now() }, differences })
    seen = local
  }

  async function commit(changes: readonly SettingsChange[], { author, note = '' }: ChangeAuthor): Promise<number | undefined> {
    // From the file as it is now: an administrator may have edited it since.
    const now = await load(file, store).catch(unreadable)
    const { source, differences, operations } = applyChanges(now, changes)
    await noteEdits(now.local)
    const inFile = file === undefined ? [] : differences.filter(({ place }) => place === 'file')
    // The file first: after a crash in between, the next start finds its edit and records it.
    if (file !== undefined && inFile.length > 0) await writeSettingsFile(file, source.local)
    let id: number | undefined
    try {
      id = await store.write(changeSettings, { operations, recorded: { origin: { author, note, at: clock.now() }, inFile } })
    } catch (error) {
      if (file !== undefined && inFile.length > 0) await writeSettingsFile(file, now.local)
      throw error
    }
    seen = source.local
    stored = await load(file, store)
    return id
  }

  return {
    read: (setting, ...ids) => active.reader.value(setting, ids[0] ?? {}) as never,
    async evaluate(setting, variables, ...ids) {
      const compiled = active.reader.expression(setting, ids[0] ?? {})
      return (await evaluateCompiled(compiled, variables, functions)) as never
    },
    idsOf: setting => idsOf(active.view, setting),
    stored: () => stored.view,
    preview: async () => readerOf(await activate(stored, macros, defaults)),
    change: (changes, by = { author: 'system' }) => inTurn(() => commit(changes, by)),
    plan: changes =>
      inTurn(async () => {
        const now = await load(file, store).catch(unreadable)
        const { source, differences } = applyChanges(now, changes)
        const report = check(await activate(source, macros, defaults))
        return {
          ...report,
          differences: differences.map(difference => ({ ...masked(difference), reload: findSetting(difference.key)?.setting.reload })),
        }
      }),
    history: (filter, page) => listHistory(store, filter, page),
    async changeSet(id) {
      const set = await findChangeSet(store, id)
      return { ...set, differences: set.differences.map(masked) }
    },
    rollBack: (id, by, { force = false } = {}) =>
      inTurn(async () => {
        const set = await findChangeSet(store, id)
        const now = await load(file, store).catch(unreadable)
        const changes = reversal(set, key => now.view.get(key), force)
        return commit(changes, { note: `roll back of ${id}`, ...by })
      }),
    async tidyHistory() {
      const limit = 200
      while ((await store.write(forgetChangeSets, { keep: keptChangeSets, since: clock.now() - keptForMs, limit })) === limit);
    },
    reload: ({ dryRun = false, only } = {}) =>
      inTurn(async () => {
        const next = await load(file, store).catch(brokenFile)
        if (next instanceof SettingsFileError) {
          return { errors: { [basename(file ?? '')]: { type: 'parse', error: next.message } }, warnings: {} }
        }
        const candidate = await activate(only === undefined ? next : merge(active.source, next, only), macros, defaults)
        const report = onlyBelow(check(candidate), only)
        if (dryRun || Object.keys(report.errors).length > 0) return report
        await noteEdits(next.local)
        stored = next
        active = candidate
        for (const listener of listeners) listener()
        if (only !== undefined) return report
        const outcomes = []
        for (const work of works) outcomes.push(await work())
        return { errors: Object.assign({}, ...outcomes), warnings: report.warnings }
      }),
    onReload(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    addCheck(look) {
      checks.add(look)
      return () => checks.delete(look)
    },
    onApply(work) {
      works.add(work)
      return () => works.delete(work)
    },
    useFunctions(given) {
      functions = given
    },
    problems: () => check(active).errors,
  }
}

function readerOf({ reader, view }: Pick<Active, 'reader' | 'view'>): Pick<SettingsReader, 'read' | 'idsOf'> {
  return { read: (setting, ...ids) => reader.value(setting, ids[0] ?? {}) as never, idsOf: setting => idsOf(view, setting) }
}

function macroProblems({ macroErrors }: Active): ReloadReport['errors'] {
  return Object.fromEntries([...macroErrors].map(([key, error]) => [key, { type: 'macro', error }]))
}

/** The file as it was when this server saw it last; at its very first sight as it is. */
async function firstSight(
  file: string | undefined,
  store: Store,
  local: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  if (file === undefined) return local
  const known = await store.read(readRememberedFile, {})
  if (known.length > 0) return new Map(known)
  if (local.size > 0) await store.write(rememberFile, { values: [...local] })
  return local
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

interface Active {
  readonly source: Source
  readonly view: SettingsView
  readonly reader: ViewReader
  readonly macroErrors: ReadonlyMap<string, string>
}

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

export type { Ids as SettingIdValues }
export { fillIn as settingKey }

/** What the settings file alone says, for the time before a store is open. Rejects with SettingsFileError. */
export async function readFileSettings(file: string, macros: MacroSources): Promise<Pick<SettingsReader, 'read' | 'idsOf'>> {
  const { values } = await expandMacros(await readSettingsFile(file), macros)
  const view = createView(values)
  return readerOf({ view, reader: createReader(view) })
}
