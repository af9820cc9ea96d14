import { endpoints } from '@postern/contract/endpoints'
import type { Command } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { column, formatSize, type Row, sentence, type View } from '../view.ts'

const { bans, domains, settings, store, telemetry } = endpoints

const recordColumns = [column('type', 'type'), column('name', 'name'), column('content', 'content')]

export const serverCommands: readonly Command[] = [
  ofEndpoint('dkim create', domains.createDkimSignature, {
    positionals: ['domain'],
    done: 'Created; publish its record, see `postern dns records`.',
  }),
  ofEndpoint('dkim show', domains.getDkimSignature),
  ofEndpoint('dkim rotate', domains.rotateDkimSignature),
  ofEndpoint('dns records', domains.listDnsRecords, { columns: recordColumns }),
  ofEndpoint('dns check', domains.checkDnsRecords, {
    view: ({ records }: { readonly records: readonly Row[] }) => ({
      kind: 'lines',
      lines: records.flatMap(({ type, name, state, fix }) => [`${state}  ${type} ${name}`, ...(fix === null ? [] : [`    ${fix}`])]),
    }),
  }),
  ofEndpoint('dns publish', domains.publishDnsRecords, { view: publishedView }),
  ofEndpoint('ban list', bans.listBans, {
    columns: [
      column('address', 'address'),
      column('reason', 'reason'),
      column('since', 'createdAt'),
      column('until', 'expiresAt'),
      column('evidence', 'evidence'),
    ],
  }),
  ofEndpoint('ban show', bans.getBan, { positionals: ['address'] }),
  ofEndpoint('ban add', bans.createBan, { positionals: ['address'] }),
  ofEndpoint('ban lift', bans.liftBan, { positionals: ['address'] }),
  ofEndpoint('log', telemetry.listLogs, {
    columns: [column('time', 'timestamp'), column('level', 'level'), column('event', 'event'), column('details', 'details')],
  }),
  ofEndpoint('update spam-rules', settings.updateSpamFilter, {
    view: (version: string | null) =>
      sentence(version === null ? 'Up to date.' : `Installed ${version}; it acts after \`postern reload\`.`),
  }),
  ofEndpoint('update web', settings.updateWebadmin),
  ofEndpoint('restart', settings.restartServer),
  ofEndpoint('purge blobs', store.purgeBlobs),
  ofEndpoint('purge accounts', store.purgeAccounts),
  ofEndpoint('purge data', store.purgeData),
  ofEndpoint('reindex', store.reindexAccounts),
  ofEndpoint('undelete list', store.listDeleted, {
    columns: [column('hash', 'hash'), column('size', 'size', formatSize), column('deleted', 'deletedAt'), column('until', 'expiresAt')],
  }),
  composed({
    words: 'undelete restore',
    summary: 'Restore deleted messages',
    doc: 'They come back unread where they were, or into the inbox. Without hashes all of them do.',
    impact: 'write',
    endpoints: [store.listDeleted.id, store.restoreDeleted.id],
    positionals: [
      { name: 'account', doc: 'Account.' },
      { name: 'hash', doc: 'Message, see `postern undelete list`.', many: true, optional: true },
    ],
    async run({ words, lists }, { client, terminal }) {
      const account = words['account'] ?? ''
      const hashes = lists['hash'] ?? []
      const { items } = hashes.length === 0 ? { items: [] } : await client.call(store.listDeleted, { account })
      const restoreTime = new Date(terminal.now()).toISOString()
      const body = hashes.map(hash => ({
        hash,
        collection: 'email',
        restoreTime,
        cancelDeletion: items.find(item => item.hash === hash)?.expiresAt ?? null,
      }))
      const value = await client.call(store.restoreDeleted, { account, body: hashes.length === 0 ? null : body })
      const failed = value.filter(({ type }) => type !== 'success')
      const reasons = [...new Set(failed.map(result => (result.type === 'error' ? result.reason : 'It cannot be restored any more.')))]
      return { value, view: { kind: 'lines', lines: [`${value.length - failed.length} of ${value.length} restored.`, ...reasons] } }
    },
  }),
]

type Published = Readonly<Record<'added' | 'removed' | 'unchanged' | 'conflicts' | 'outside', readonly Row[]>>

function publishedView(done: Published): View {
  const names = { added: '+', removed: '-', unchanged: ' ', conflicts: '!', outside: '?' } as const
  const lines = (Object.keys(names) as (keyof Published)[]).flatMap(kind =>
    done[kind].map(
      ({ type, name, content, reason }) => `${names[kind]} ${name} ${type} ${content}${reason === undefined ? '' : ` (${reason})`}`,
    ),
  )
  return { kind: 'lines', lines: [...lines, '', '+ added  - removed  ! conflict, left alone  ? of another zone'] }
}
