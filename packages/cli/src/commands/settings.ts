import { endpoints } from '@postern/contract/endpoints'
import { type Command, type Option, UsageError } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { column, type Row, type View } from '../view.ts'

const {
  deleteSetting,
  getSettingChange,
  getSettings,
  listSettingChanges,
  listSettingGroups,
  listSettings,
  planSettings,
  reloadSettings,
  rollBackSettings,
  updateSettings,
} = endpoints.settings

const later: Option = { name: 'no-reload', kind: 'flag', doc: 'Only store it; it acts after `postern reload`.' }

export const settingsCommands: readonly Command[] = [
  ofEndpoint('settings list', listSettings, {
    positionals: ['prefix'],
    view: ({ items, total }: { readonly items: Row; readonly total: number }) =>
      entriesView(items, `${Object.keys(items).length} of ${total}`),
  }),
  composed({
    words: 'settings get',
    summary: 'Get settings by their keys',
    doc: 'A key that ends with a dot gives all that is below it.',
    impact: 'read',
    endpoints: [getSettings.id],
    positionals: [{ name: 'key', doc: 'Exact key, or a prefix with its dot.', many: true }],
    async run({ lists }, { client }) {
      const keys = lists['key'] ?? []
      const value = await client.call(getSettings, {
        keys: keys.filter(key => !key.endsWith('.')),
        prefixes: keys.filter(key => key.endsWith('.')).map(key => key.slice(0, -1)),
      })
      return { value, view: entriesView(value) }
    },
  }),
  composed({
    words: 'settings set',
    summary: 'Set settings and make them act',
    doc: 'All together or none: nothing is stored when a value is wrong.',
    impact: 'write',
    endpoints: [planSettings.id, updateSettings.id, reloadSettings.id],
    positionals: [{ name: 'key=value', doc: 'A setting; the first `=` ends the key.', many: true }],
    options: [{ name: 'force', kind: 'flag', doc: 'Store wrong values as well; they do not act until they are mended.' }, later],
    async run({ lists, options }, { client }) {
      const body = [insertion(lists['key=value'] ?? [])]
      if (options['force'] !== true) refuseBroken(await client.call(planSettings, { body }))
      await client.call(updateSettings, { body })
      return options['no-reload'] ? stored : reloaded(await client.call(reloadSettings, {}))
    },
  }),
  composed({
    words: 'settings delete',
    summary: 'Delete settings and make that act',
    impact: 'write',
    endpoints: [updateSettings.id, deleteSetting.id, reloadSettings.id],
    positionals: [{ name: 'key', doc: 'Exact key.', many: true }],
    options: [later],
    async run({ lists, options }, { client }) {
      await client.call(updateSettings, { body: [{ type: 'delete', keys: [...(lists['key'] ?? [])] }] })
      return options['no-reload'] ? stored : reloaded(await client.call(reloadSettings, {}))
    },
  }),
  composed({
    words: 'settings clear',
    summary: 'Delete all settings below a prefix and make that act',
    impact: 'destructive',
    endpoints: [updateSettings.id, reloadSettings.id],
    positionals: [{ name: 'prefix', doc: 'Literal beginning of the keys; end it with a dot.' }],
    options: [{ name: 'filter', kind: 'text', doc: 'Only those with this text in key or value.' }, later],
    async run({ words, options }, { client }) {
      const { filter } = options as { readonly filter?: string }
      await client.call(updateSettings, { body: [{ type: 'clear', prefix: words['prefix'] ?? '', filter: filter ?? null }] })
      return options['no-reload'] ? stored : reloaded(await client.call(reloadSettings, {}))
    },
  }),
  ofEndpoint('settings records', listSettingGroups, { positionals: ['prefix', 'suffix'] }),
  composed({
    words: 'settings plan',
    summary: 'Show what setting these would do, and change nothing',
    impact: 'read',
    endpoints: [planSettings.id],
    positionals: [{ name: 'key=value', doc: 'A setting; the first `=` ends the key.', many: true }],
    async run({ lists }, { client }) {
      const value = await client.call(planSettings, { body: [insertion(lists['key=value'] ?? [])] })
      const problems = [...lines(value.errors).map(line => `Error: ${line}`), ...lines(value.warnings).map(line => `Warning: ${line}`)]
      return { value, view: { kind: 'lines', lines: [...differenceLines(value.changes), ...problems] } }
    },
  }),
  ofEndpoint('settings history', listSettingChanges, {
    columns: [column('id', 'id'), column('time', 'time'), column('author', 'author'), column('note', 'note'), column('keys', 'keys')],
  }),
  ofEndpoint('settings change', getSettingChange, {
    view: ({ time, author, note, changes }: Change) => ({
      kind: 'lines',
      lines: [`${time} by ${author}${note === '' ? '' : `: ${note}`}`, ...differenceLines(changes)],
    }),
  }),
  composed({
    words: 'settings rollback',
    summary: 'Undo a change of settings and make that act',
    doc: 'Refused when a key of it was changed since, unless forced.',
    impact: 'write',
    endpoints: [rollBackSettings.id, reloadSettings.id],
    positionals: [{ name: 'id', doc: 'Id of the change, see `postern settings history`.' }],
    options: [{ name: 'force', kind: 'flag', doc: rollBackSettings.query.force.doc }, later],
    async run({ words, options }, { client }) {
      await client.call(rollBackSettings, { id: words['id'] as never, force: options['force'] === true })
      return options['no-reload'] ? stored : reloaded(await client.call(reloadSettings, {}))
    },
  }),
  composed({
    words: 'reload',
    summary: 'Make changed settings act',
    doc: 'With errors nothing changes, and the exit code is 1.',
    impact: 'write',
    endpoints: [reloadSettings.id],
    positionals: [{ name: 'scope', doc: reloadSettings.params.scope.doc, optional: true }],
    options: [{ name: 'dry-run', kind: 'flag', doc: reloadSettings.query['dry-run'].doc }],
    async run({ words, options }, { client }) {
      const { scope } = words
      return reloaded(await client.call(reloadSettings, { ...(scope !== undefined && { scope }), 'dry-run': options['dry-run'] === true }))
    },
  }),
]

interface Difference {
  readonly key: string
  readonly before: string | null
  readonly after: string | null
}

interface Change {
  readonly time: string
  readonly author: string
  readonly note: string
  readonly changes: readonly Difference[]
}

function insertion(pairs: readonly string[]) {
  const values = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageError(`'${pair}' is no key=value`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return { type: 'insert', prefix: null, values, assert_empty: false } as const
}

function differenceLines(changes: readonly Difference[]): string[] {
  return changes.flatMap(({ key, before, after }) => [
    ...(before === null ? [] : [`- ${key} = ${before}`]),
    ...(after === null ? [] : [`+ ${key} = ${after}`]),
  ])
}

const stored = { value: null, view: { kind: 'lines', lines: ['Stored. It acts after `postern reload`.'] } } as const

interface Report {
  readonly errors: Readonly<Record<string, Row>>
  readonly warnings: Readonly<Record<string, Row>>
}

/** Settings that are refused, stored or not. The exit code tells it, too. */
export class SettingsRefused extends Error {
  override readonly name = 'SettingsRefused'
  readonly report: Report

  constructor(what: string, report: Report) {
    super([what, ...lines(report.errors)].join('\n'))
    this.report = report
  }
}

/** What was broken before stays for others to mend. */
function refuseBroken({ changes, errors, warnings }: Report & { readonly changes: readonly Difference[] }): void {
  const broken = Object.fromEntries(changes.flatMap(({ key }) => (errors[key] === undefined ? [] : [[key, errors[key]]])))
  if (Object.keys(broken).length > 0) throw new SettingsRefused('Nothing was stored:', { errors: broken, warnings })
}

function reloaded(report: Report): { readonly value: Report; readonly view: View } {
  if (Object.keys(report.errors).length > 0) throw new SettingsRefused('The settings are stored, but not in force:', report)
  const warnings = lines(report.warnings)
  return { value: report, view: { kind: 'lines', lines: [...warnings.map(line => `Warning: ${line}`), 'In force.'] } }
}

function lines(problems: Report['errors']): string[] {
  return Object.entries(problems).map(([key, { type, error, default: fallback, value }]) => {
    const said = error ?? (fallback === undefined ? value : `default ${String(fallback)}`)
    return `${key}: ${String(type)}${said === undefined || said === '' ? '' : `: ${String(said)}`}`
  })
}

function entriesView(entries: Row, footer?: string): View {
  return {
    kind: 'table',
    columns: [column('key', 'key'), column('value', 'value')],
    rows: Object.entries(entries).map(([key, value]) => ({ key, value })),
    ...(footer !== undefined && { footer }),
  }
}
