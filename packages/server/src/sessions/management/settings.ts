import { settings as declared, failure, findSetting, settingGroups } from '@postern/contract'
import { endpoints, type Output } from '@postern/contract/endpoints'
import type { Settings, SettingsChange, SettingsView } from '#data/settings'
import { type BoundEndpoint, bind } from './handlers.ts'
import { shown } from './history.ts'
import { pageOf } from './page.ts'

const { deleteSetting, getSettings, listSettingGroups, listSettings, planSettings, reloadSettings, updateSettings } = endpoints.settings

export function settingsHandlers(settings: Settings): readonly BoundEndpoint[] {
  return [
    bind(listSettingGroups, async (_caller, { prefix, suffix, field, filter, ...page }) => {
      const view = settings.stored()
      const start = withDot(prefix)
      const records = suffix === undefined ? [] : recordsOf(view, start, suffix.startsWith('.') ? suffix : `.${suffix}`, field)
      const hasAny = view.withPrefix(start).length > 0
      const items = suffix !== undefined && hasAny ? records : entriesOf(view, start)
      const wanted = filter?.toLowerCase()
      const matching =
        wanted === undefined ? items : items.filter(item => Object.values(item).some(value => value.toLowerCase().includes(wanted)))
      return { total: matching.length, items: slice(matching, page) }
    }),
    bind(listSettings, async (_caller, { prefix, ...page }) => {
      const start = withDot(prefix)
      const entries = settings.stored().withPrefix(start)
      return {
        total: entries.length,
        items: Object.fromEntries(slice(entries, page).map(([key, value]) => [key.slice(start.length), value])),
      }
    }),
    bind(getSettings, async (_caller, { keys = [], prefixes = [] }) => {
      const view = settings.stored()
      const found: Record<string, string> = {}
      for (const key of keys) {
        const value = view.get(key)
        if (value !== undefined) found[key] = value
      }
      for (const prefix of prefixes) for (const [key, value] of view.withPrefix(withDot(prefix))) found[key] = value
      return found
    }),
    bind(updateSettings, async (caller, { body }) => {
      const changes = changesOf(body, settings.stored())
      if (changes.length > 0) await settings.change(changes, { author: caller.name })
      return null
    }),
    bind(planSettings, async (_caller, { body }) => {
      const { differences, ...report } = await settings.plan(changesOf(body, settings.stored()))
      const changes = differences.map(difference => ({ ...shown(difference), reload: difference.reload ?? null }))
      return { changes, ...report } as Output<typeof planSettings>
    }),
    bind(deleteSetting, async (caller, { key }) => {
      if (key === '') throw failure('resourceNotFound')
      await settings.change([{ kind: 'delete', keys: [key] }], { author: caller.name })
      return null
    }),
    bind(reloadSettings, async (_caller, { scope, 'dry-run': dryRun }) => {
      const only = scope === undefined ? undefined : partial[scope]
      return (await settings.reload({ dryRun, ...(only && { only }) })) as Output<typeof reloadSettings>
    }),
  ]
}

const partial: Readonly<Record<string, readonly string[]>> = {
  lookup: [declared.lookup.entries.family],
  certificate: [declared.certificate.cert.family],
  [declared.server.blockedIp.pattern]: [declared.server.blockedIp.pattern, declared.server.allowedIp.pattern],
}

function withDot(prefix: string | undefined): string {
  return prefix === undefined || prefix === '' || prefix.endsWith('.') ? (prefix ?? '') : `${prefix}.`
}

function slice<T>(items: readonly T[], page: { readonly page?: number; readonly limit?: number }): T[] {
  const { skip, limit } = pageOf(page, items.length)
  return items.slice(skip, skip + limit)
}

function entriesOf(view: SettingsView, prefix: string): Array<Record<string, string>> {
  return view.withPrefix(prefix).map(([key, value]) => ({ _id: key.slice(prefix.length), _value: value }))
}

/** A record is every id that has the member named by the suffix, with all keys below it. */
function recordsOf(view: SettingsView, prefix: string, suffix: string, field: string | undefined): Array<Record<string, string>> {
  const ids = view
    .withPrefix(prefix)
    .flatMap(([key]) =>
      key.endsWith(suffix) && key.length > prefix.length + suffix.length ? key.slice(prefix.length, -suffix.length) : [],
    )
  return ids.map(id => {
    const record: Record<string, string> = { _id: id }
    for (const [key, value] of view.withPrefix(`${prefix}${id}.`)) {
      const member = key.slice(prefix.length + id.length + 1)
      if (field === undefined || field === member) record[member] = value
    }
    return record
  })
}

type Operation =
  | { readonly type: 'delete'; readonly keys: readonly string[] }
  | { readonly type: 'clear'; readonly prefix: string; readonly filter?: string | null | undefined }
  | {
      readonly type: 'insert'
      readonly prefix?: string | null | undefined
      readonly values: readonly (readonly [string, string])[]
      readonly assert_empty: boolean
    }

/** The changes that operations mean; later ones see what earlier ones did. */
function changesOf(operations: readonly Operation[], view: SettingsView): SettingsChange[] {
  const state = new Map(view.withPrefix(''))
  return operations.flatMap(operation => changesOfOne(operation, state))
}

function changesOfOne(operation: Operation, state: Map<string, string>): SettingsChange[] {
  switch (operation.type) {
    case 'delete':
      for (const key of operation.keys) state.delete(key)
      return [{ kind: 'delete', keys: operation.keys }]
    case 'clear': {
      const { prefix } = operation
      const wanted = operation.filter?.toLowerCase() ?? ''
      const keys = wanted === '' ? [...state.keys()].filter(key => key.startsWith(prefix)) : matchingKeys(state, prefix, wanted)
      for (const key of keys) state.delete(key)
      return wanted === '' ? [{ kind: 'deletePrefix', prefix }] : [{ kind: 'delete', keys }]
    }
    case 'insert': {
      const prefix = operation.prefix ? `${operation.prefix}.` : ''
      const entries = operation.values.map(([key, value]): [string, string] => [prefix + key, value])
      for (const [key, value] of entries) state.set(key, value)
      const [first] = entries
      const changes: SettingsChange[] = []
      if (operation.assert_empty && prefix !== '') changes.push({ kind: 'assertNone', prefix })
      else if (operation.assert_empty && first !== undefined) changes.push({ kind: 'assertAbsent', key: first[0] })
      return [...changes, { kind: 'put', entries }]
    }
  }
}

const groupPrefixes = new Set(Object.values(settingGroups).map(({ prefix }) => `${prefix}.`))

/** Keys below the prefix with the text in key or value; below a group of records, all keys of each record that has it somewhere. */
function matchingKeys(state: ReadonlyMap<string, string>, prefix: string, wanted: string): string[] {
  const below = [...state].filter(([key]) => key.startsWith(prefix))
  const matching = below.filter(([key, value]) => `${key}\n${value}`.toLowerCase().includes(wanted)).map(([key]) => key)
  if (!groupPrefixes.has(prefix)) return matching
  const records = new Set(matching.map(key => recordOf(key, prefix)))
  return below.map(([key]) => key).filter(key => records.has(recordOf(key, prefix)))
}

/** The id of the record that a key belongs to; ids may have dots. */
function recordOf(key: string, prefix: string): string {
  const found = findSetting(key)
  const [id] = found === undefined ? [] : Object.values(found.ids)
  return id ?? key.slice(prefix.length).split('.')[0] ?? ''
}
