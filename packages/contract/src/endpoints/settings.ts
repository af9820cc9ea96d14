import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import {
  data,
  flag,
  json,
  listOf,
  natural,
  nothing,
  nullable,
  nullableText,
  paging,
  path,
  query,
  text,
  texts,
  timestamp,
  words,
} from './parts.ts'

const record = Type.Record(Type.String(), Type.String())

const prefix = query.text('Keys begin with this; a dot is added at the end when missing.')

export const listSettingGroups = endpoint({
  id: 'listSettingGroups',
  method: 'GET',
  path: '/api/settings/group',
  access: 'settings-list',
  impact: 'read',
  query: {
    prefix,
    suffix: query.text('Member every record has; a dot is added in front when missing. Without it single entries are listed.'),
    field: query.text('The only member wanted of each record.'),
    filter: query.text('Text that must occur in a value or id, in any case.'),
    ...paging,
  },
  output: data(listOf(record)),
  summary: 'List records of settings',
  doc: 'A record has its id as `_id` and its members by name; an entry has its key as `_id` and its value as `_value`.',
})

export const listSettings = endpoint({
  id: 'listSettings',
  method: 'GET',
  path: '/api/settings/list',
  access: 'settings-list',
  impact: 'read',
  query: { prefix, ...paging },
  output: data(Type.Object({ total: natural, items: record })),
  summary: 'List settings below a prefix, by the rest of their keys',
})

export const getSettings = endpoint({
  id: 'getSettings',
  method: 'GET',
  path: '/api/settings/keys',
  access: 'settings-list',
  impact: 'read',
  query: { keys: query.names('Exact keys.'), prefixes: query.names('Prefixes; a dot is added at the end of each when missing.') },
  output: data(record),
  summary: 'Get settings by their keys',
})

const operation = Type.Union(
  [
    Type.Object({ type: Type.Literal('delete'), keys: texts }),
    Type.Object({ type: Type.Literal('clear'), prefix: text, filter: Type.Optional(nullableText) }),
    Type.Object({
      type: Type.Literal('insert'),
      prefix: Type.Optional(nullable(text)),
      values: Type.Array(Type.Tuple([text, text])),
      assert_empty: flag,
    }),
  ],
  { title: 'SettingOperation' },
)

const complaint = { error: text } as const

const warning = Type.Union(
  [
    Type.Object({ type: Type.Literal('missing') }),
    Type.Object({ type: Type.Literal('appliedDefault'), default: text }),
    Type.Object({ type: Type.Literal('unread'), value: text, didYouMean: Type.Optional(text) }),
    Type.Object({ type: Type.Literal('build'), error: text }),
    Type.Object({ type: Type.Literal('parse'), error: text }),
  ],
  { title: 'SettingWarning' },
)

const mistake = Type.Union(
  [
    Type.Object({ type: Type.Literal('parse'), ...complaint }),
    Type.Object({ type: Type.Literal('build'), ...complaint }),
    Type.Object({ type: Type.Literal('macro'), ...complaint }),
  ],
  { title: 'SettingError' },
)

const report = {
  warnings: Type.Record(Type.String(), warning),
  errors: Type.Record(Type.String(), mistake),
} as const

const difference = {
  key: text,
  place: words('file', 'database'),
  before: nullableText,
  after: nullableText,
} as const

export const updateSettings = endpoint({
  id: 'updateSettings',
  method: 'POST',
  path: '/api/settings',
  access: 'settings-update',
  impact: 'write',
  body: json(Type.Array(operation)),
  output: nothing,
  errors: ['invalidParameters', 'assertFailed'],
  summary: 'Insert, delete and clear settings',
  doc: 'The operations run in order as one transaction. Nothing acts before a reload. `clear` takes the prefix literally, and an empty one means everything.',
})

export const planSettings = endpoint({
  id: 'planSettings',
  method: 'POST',
  path: '/api/settings/plan',
  access: 'settings-update',
  impact: 'read',
  body: json(Type.Array(operation)),
  output: data(
    Type.Object({
      changes: Type.Array(
        Type.Object({
          ...difference,
          reload: nullable(words('live', 'lookup', 'certificate', 'ip', 'restart', 'job')),
        }),
      ),
      ...report,
    }),
  ),
  errors: ['invalidParameters', 'assertFailed'],
  summary: 'Show what a change of settings would do',
  doc: 'Takes the operations of a change and stores nothing. Gives each key that would differ, with its place and when it would act, and the errors and warnings that the next reload would give. Secrets are shown as a mark: equal values have equal marks.',
})

const changeSet = {
  id: natural,
  time: timestamp,
  author: text,
  note: text,
} as const

export const listSettingChanges = endpoint({
  id: 'listSettingChanges',
  method: 'GET',
  path: '/api/settings/history',
  access: 'settings-list',
  impact: 'read',
  query: {
    key: query.text('Only changes of keys that start with this.'),
    author: query.text('Only changes of this account; `system` for the server itself, `file` for edits of the settings file by hand.'),
    before: query.natural('Only changes with a lower id: the way to walk a long history.'),
    ...paging,
  },
  output: data(listOf(Type.Object({ ...changeSet, keys: texts, total: natural }, { title: 'SettingChangeSummary' }))),
  summary: 'List changes of settings, newest first',
  doc: 'Each item has its first 20 keys, and in `total` how many keys it changed. Without limit the page has 100 items; it never has more than 1,000.',
})

export const getSettingChange = endpoint({
  id: 'getSettingChange',
  method: 'GET',
  path: '/api/settings/history/{id}',
  access: 'settings-list',
  impact: 'read',
  params: { id: path.id('Id of the change.') },
  output: data(Type.Object({ ...changeSet, changes: Type.Array(Type.Object(difference)) }, { title: 'SettingChange' })),
  errors: ['resourceNotFound'],
  summary: 'Get a change of settings, key by key',
  doc: 'Null is a key that was not set. Secrets are shown as a mark: equal values have equal marks.',
})

export const rollBackSettings = endpoint({
  id: 'rollBackSettings',
  method: 'POST',
  path: '/api/settings/rollback/{id}',
  access: 'settings-update',
  impact: 'write',
  params: { id: path.id('Id of the change.') },
  query: { force: query.flag('Also where a key was changed since.') },
  output: data(Type.Object({ id: nullable(natural) })),
  errors: ['resourceNotFound', 'other'],
  summary: 'Undo a change of settings',
  doc: 'All keys of the change get the values from before it, in one transaction, which is a change of its own: `id`, or null when nothing differed. Refused, naming the keys, when one of them was changed since. Nothing acts before a reload.',
})

export const deleteSetting = endpoint({
  id: 'deleteSetting',
  method: 'DELETE',
  path: '/api/settings/{key}',
  access: 'settings-delete',
  impact: 'write',
  params: { key: path.text('Exact key.') },
  output: nothing,
  summary: 'Delete one setting',
})

export const reloadSettings = endpoint({
  id: 'reloadSettings',
  method: 'GET',
  path: ['/api/reload', '/api/reload/', '/api/reload/{scope}'],
  access: 'settings-reload',
  impact: 'write',
  params: {
    scope: path.optionalText('`lookup`, `certificate` or `server.blocked-ip` for that part alone; anything else means everything.'),
  },
  query: { 'dry-run': query.flag('Report only, change nothing.') },
  output: data(Type.Object(report)),
  summary: 'Make changed settings act',
  doc: 'The answer has status 200 even with errors; then nothing has been applied.',
})

const updateQuery = {
  force: query.flag('Install even when the version is not newer.'),
} as const

export const updateSpamFilter = endpoint({
  id: 'updateSpamFilter',
  method: 'GET',
  path: '/api/update/spam-filter',
  access: 'spam-filter-update',
  impact: 'write',
  query: { ...updateQuery, overwrite: query.flag('Replace keys the administrator has changed.') },
  output: data(nullable(text)),
  errors: ['other'],
  summary: 'Fetch spam rules',
  doc: 'Gives the version that was installed, or null when the rules are up to date or `spam-filter.resource` names none. They act after a reload.',
})

export const updateWebadmin = endpoint({
  id: 'updateWebadmin',
  method: 'GET',
  path: '/api/update/webadmin',
  access: 'webadmin-update',
  impact: 'write',
  output: nothing,
  errors: ['other'],
  summary: 'Fetch the web client and serve it at once',
})

export const restartServer = endpoint({
  id: 'restartServer',
  method: 'GET',
  path: '/api/restart',
  access: 'restart',
  impact: 'write',
  output: nothing,
  errors: ['unsupported'],
  summary: 'Restart the server',
  doc: 'Only possible when something that starts it again supervises the process.',
})
