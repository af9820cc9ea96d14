import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, json, listOf, natural, nothing, nullable, paging, path, query, text, timestamp } from './parts.ts'
import { purgeKinds } from './purge-kinds.ts'

export const getBlob = endpoint({
  id: 'getBlob',
  method: 'GET',
  path: '/api/store/blobs/{hash}',
  access: 'blob-fetch',
  impact: 'read',
  params: { hash: path.text('Hash of the blob, base64url without padding.') },
  query: { offset: query.natural('First byte.'), limit: query.natural('Number of bytes; to the end when absent.') },
  output: { kind: 'bytes', mediaType: 'application/octet-stream' },
  errors: ['invalidParameters', 'notFound'],
  summary: 'Download a blob',
  doc: 'Takes the Range field of HTTP as well.',
})

const background = 'Answers at once and works in the background; a second run of the same kind is skipped.'

export const purgeBlobs = endpoint({
  id: 'purgeBlobs',
  method: 'GET',
  path: '/api/store/purge/blob',
  access: 'purge-blob-store',
  impact: 'destructive',
  output: nothing,
  summary: 'Remove blobs nothing refers to',
  doc: background,
})

export const purgeData = endpoint({
  id: 'purgeData',
  method: 'GET',
  path: ['/api/store/purge/data', '/api/store/purge/data/{store}'],
  access: 'purge-data-store',
  impact: 'destructive',
  params: { store: path.optionalText('Id of the store; the main one when absent or `default`.') },
  output: nothing,
  errors: ['resourceNotFound'],
  summary: 'Clean a data store and drop traces and samples past their time',
  doc: background,
})

export const purgeInMemory = endpoint({
  id: 'purgeInMemory',
  method: 'GET',
  path: [
    '/api/store/purge/in-memory',
    '/api/store/purge/in-memory/{store}',
    '/api/store/purge/in-memory/{store}/{kind}',
    '/api/store/purge/in-memory/{store}/{kind}/{account}',
  ],
  access: 'purge-in-memory-store',
  impact: 'destructive',
  params: {
    store: path.optionalText('Id of the store; the main one when absent or `default`.'),
    kind: path.optionalText(`What to wipe: ${purgeKinds.join(', ')}. Anything else drops what has expired.`),
    account: path.optionalName('Account, for bayes-account.'),
  },
  output: nothing,
  errors: ['resourceNotFound', 'notFound'],
  summary: 'Drop expired keys and counters, or wipe one kind',
  doc: background,
})

export const purgeAccounts = endpoint({
  id: 'purgeAccounts',
  method: 'GET',
  path: ['/api/store/purge/account', '/api/store/purge/account/{account}'],
  access: 'purge-account',
  impact: 'destructive',
  params: { account: path.optionalName('Account; all of them when absent.') },
  output: nothing,
  errors: ['notFound'],
  summary: 'Empty old trash, remove deleted messages and forget old changes',
  doc: background,
})

export const reindexAccounts = endpoint({
  id: 'reindexAccounts',
  method: 'GET',
  path: ['/api/store/reindex', '/api/store/reindex/{account}'],
  exact: true,
  access: 'fts-reindex',
  impact: 'write',
  params: { account: path.optionalName('Account; all of them when absent.') },
  output: nothing,
  errors: ['notFound'],
  summary: 'Index all messages anew',
  doc: 'Answers at once and works in the background.',
})

const deletedItem = Type.Object(
  { hash: text, size: natural, deletedAt: timestamp, expiresAt: timestamp, collection: text },
  { title: 'DeletedItem' },
)

const account = path.name('Account.')

export const listDeleted = endpoint({
  id: 'listDeleted',
  method: 'GET',
  path: '/api/store/undelete/{account}',
  access: 'undelete',
  impact: 'read',
  params: { account },
  query: paging,
  output: data(listOf(deletedItem)),
  errors: ['resourceNotFound'],
  summary: 'List deleted items that can be restored, oldest first',
})

const restoration = Type.Object({
  hash: text,
  collection: text,
  restoreTime: timestamp,
  cancelDeletion: Type.Optional(nullable(timestamp)),
})

export const restoreDeleted = endpoint({
  id: 'restoreDeleted',
  method: 'POST',
  path: '/api/store/undelete/{account}',
  access: 'undelete',
  impact: 'write',
  params: { account },
  body: json(nullable(Type.Array(restoration))),
  output: data(
    Type.Array(
      Type.Union(
        [
          Type.Object({ type: Type.Literal('success') }),
          Type.Object({ type: Type.Literal('notFound') }),
          Type.Object({ type: Type.Literal('error'), reason: text }),
        ],
        { title: 'RestoreResult' },
      ),
    ),
  ),
  errors: ['invalidParameters', 'resourceNotFound'],
  summary: 'Restore deleted items',
  doc: 'Null restores everything that is listed. With `cancelDeletion`, which must equal `expiresAt`, the item leaves the list.',
})

export const resetUids = endpoint({
  id: 'resetUids',
  method: 'DELETE',
  path: '/api/store/uids/{account}',
  exact: true,
  access: { anyOf: ['purge-account', 'imap-authenticate'] },
  impact: 'destructive',
  params: { account },
  output: data(Type.Array(natural, { minItems: 2, maxItems: 2, description: 'mailboxes, messages' })),
  errors: ['notFound', 'forbidden'],
  summary: 'Give all mailboxes a new UIDVALIDITY and all messages new UIDs',
  doc: 'Accounts other than the own one need `purge-account`.',
})
