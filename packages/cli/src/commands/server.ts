import { endpoints } from '@postern/contract/endpoints'
import type { Command } from '../command.ts'
import { ofEndpoint } from '../derive.ts'
import { column, sentence } from '../view.ts'

const { domains, settings, store, telemetry } = endpoints

export const serverCommands: readonly Command[] = [
  ofEndpoint('dkim create', domains.createDkimSignature, {
    positionals: ['domain'],
    done: 'Created; publish its record, see `postern dns records`.',
  }),
  ofEndpoint('dkim show', domains.getDkimSignature),
  ofEndpoint('dns records', domains.listDnsRecords, {
    columns: [column('type', 'type'), column('name', 'name'), column('content', 'content')],
  }),
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
  ofEndpoint('undelete list', store.listDeleted),
  ofEndpoint('undelete restore', store.restoreDeleted),
]
