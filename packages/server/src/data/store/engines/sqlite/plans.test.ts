// No statement of the mail tables reads more than it gives: the plan of every one that the mail commands and queries use is looked at.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { removeOlderMessages, renumberUids } from '../../aggregates/account-life.ts'
import { changesSince, forgetChanges } from '../../aggregates/changes.ts'
import { mailboxHistory, objectHistory } from '../../aggregates/history.ts'
import { accountTree, createMailbox, grantMailboxRights, moveMailbox, noParent, prepareAccount } from '../../aggregates/mailboxes.ts'
import { appendMessages, deletedMessages, type IncomingMessage, messagesById } from '../../aggregates/messages.ts'
import {
  changeFlags,
  destroyMailbox,
  destroyMessages,
  mailboxContents,
  placementsByMessage,
  placementsByUid,
  removeMessages,
  transferMessages,
  updateMessages,
} from '../../aggregates/placements.ts'
import { threadMessages } from '../../aggregates/threads.ts'
import type { Command, Query } from '../../command.ts'
import { migrations } from '../../migrations.ts'
import { openPackWriter } from '../../packs/pack-writer.ts'
import { createStatements, openForReading, openForWriting, type Statements } from './connection.ts'
import { runGroup } from './group.ts'
import { migrate } from './migrate.ts'

const accountId = 1
const now = 1_700_000_000

it('every statement of the mail tables uses an index that fits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-plans-'))
  const database = openForWriting(join(folder, 'store.sqlite'))
  try {
    migrate(database, migrations)
    const texts = new Set<string>()
    const statements = recording(createStatements(database), texts)
    using packs = openPackWriter(folder, { settledEnds: new Map() })
    const write = async <Args>(command: Command<Args, unknown>, args: Args, blobs: readonly Uint8Array[] = []): Promise<void> => {
      const run = command.run as (tx: unknown, args: unknown) => unknown
      const { outcomes } = await runGroup({ database, statements, packs }, [{ id: 1, run, args, attached: { blobs } }])
      assert.ok(outcomes[0] && 'value' in outcomes[0], `${command.name}: ${JSON.stringify(outcomes)}`)
    }
    const read = async <Args>(query: Query<Args, unknown>, args: Args): Promise<unknown> => query.run(statements, args)
    await useEverything(write, read)

    // Like the connections of a running server, one that was opened after the tables were made.
    const reader = openForReading(join(folder, 'store.sqlite'))
    const wide: string[] = []
    for (const text of texts) {
      if (!/placements|messages|changes|thread_refs|blob/.test(text)) continue
      for (const row of reader.prepare(`EXPLAIN QUERY PLAN ${text}`).all()) {
        const step = String(row['detail'])
        if (/^SCAN (?!\()/.test(step) || /^SEARCH \w+ USING PRIMARY KEY \(account_id=\?\)/.test(step)) wide.push(`${step}: ${text}`)
      }
    }
    reader.close()
    assert.ok(texts.size > 50, `${texts.size} statements were seen`)
    assert.deepEqual(
      wide.filter(line => !mayReadAnAccount.test(line)),
      [],
    )
  } finally {
    database.close()
    await rm(folder, { recursive: true, force: true })
  }
})

/** Some statements mean all of it: the log of an account is trimmed from its beginning or ended; listings of kept messages show all of them. */
const mayReadAnAccount = /DELETE FROM changes WHERE account_id = \?$|SELECT MAX\(number\) AS number FROM changes|FROM deleted_messages/

function recording(statements: Statements, texts: Set<string>): Statements {
  const note = (sql: string): string => {
    texts.add(sql)
    return sql
  }
  return {
    get: (sql, params) => statements.get(note(sql), params),
    all: (sql, params) => statements.all(note(sql), params),
    tuples: (sql, params) => statements.tuples(note(sql), params),
    run: (sql, params) => statements.run(note(sql), params),
  }
}

function message(mailboxIds: readonly number[], threadKeys: readonly number[]): IncomingMessage {
  return {
    blob: 0,
    mailboxIds,
    flags: 0,
    keywords: ['k'],
    received: now,
    sent: null,
    hasAttachment: false,
    messageIdKey: 5,
    bodyKey: 1,
    bareLineFeeds: 0,
    threadKeys,
    structure: Buffer.from([1]),
    skipsDuplicate: true,
  }
}

async function useEverything(
  write: <Args>(command: Command<Args, unknown>, args: Args, blobs?: readonly Uint8Array[]) => Promise<void>,
  read: <Args>(query: Query<Args, unknown>, args: Args) => Promise<unknown>,
): Promise<void> {
  const folders = [0, 1].map(id => ({ id, name: `f${id}`, role: id === 0 ? 'inbox' : 'trash', sortOrder: id, isSubscribed: true }))
  await write(prepareAccount, { accountId, folders, now, tenantId: null })
  const limits = { bytes: 1e9, messages: 1e9, tenant: { id: 1, bytes: 1e9 } }
  const threads = [[1], [2], [1, 2], [1]]
  for (const [n, keys] of threads.entries()) {
    const args = { accountId, messages: [message([0, 1], keys)], limits, now, duplicateWindow: 0 }
    await write(appendMessages, args, [Buffer.from(`${'m'.repeat(n)}`)])
  }
  const uids = Array.from({ length: 12 }, (_, n) => n + 1)
  const flags = { mode: 'add', flags: 1, keywords: ['other'] } as const
  await write(changeFlags, { accountId, mailboxId: 0, uids, change: flags, unchangedSince: null, now })
  await write(changeFlags, { accountId, mailboxId: 0, uids: [1], change: { ...flags, mode: 'remove' }, unchangedSince: null, now })
  const plan = { accountId, parentId: noParent, names: ['a', 'b'], role: 'sent', sortOrder: 0, now, maxMailboxes: 9 }
  await write(createMailbox, plan)
  await write(moveMailbox, { accountId, mailboxId: 17, parentId: noParent, names: ['c'], now, maxDepth: 9 })
  await write(grantMailboxRights, { accountId, mailboxId: 0, granteeId: 3, rights: 1, now })
  await write(transferMessages, { accountId, mailboxId: 0, targetId: 17, uids: [1, 2], moves: false, now })
  await write(transferMessages, { accountId, mailboxId: 0, targetId: 17, uids: [2], moves: true, now })
  await write(updateMessages, { accountId, plans: [{ messageId: 1, flags, addTo: [16], removeFrom: [17] }], now })

  for (const kind of ['message', 'mailbox', 'thread'] as const) await read(objectHistory, { accountId, kind, since: 0, limit: 2 })
  await read(mailboxHistory, { accountId, mailboxId: 0, since: 0, maxNumbers: 100 })
  await read(mailboxHistory, { accountId, mailboxId: 0, since: 0, maxNumbers: 1 })
  await read(changesSince, { accountId, since: 0, limit: 5 })
  await read(mailboxContents, { accountId, mailboxId: 0, afterUid: 0, limit: 5 })
  await read(placementsByUid, { accountId, mailboxId: 0, uids })
  await read(placementsByUid, { accountId, mailboxId: 0, uids: [1] })
  await read(placementsByMessage, { accountId, ids: [1] })
  await read(messagesById, { accountId, ids: uids })
  await read(messagesById, { accountId, ids: [1] })
  await read(threadMessages, { accountId, threadIds: [1] })
  await read(accountTree, { accountId, principalId: 1 })

  const keeping = { keptUntil: now + 9 }
  await write(removeMessages, { accountId, mailboxId: 0, uids: [3], onlyDeleted: false, keeping, now })
  await write(removeMessages, { accountId, mailboxId: 0, uids: null, onlyDeleted: true, keeping, now })
  await write(destroyMessages, { accountId, ids: [2], onlyFrom: null, keeping, now })
  await write(destroyMailbox, { accountId, mailboxId: 17, removesMessages: true, keeping, now })
  await write(removeOlderMessages, { accountId, mailboxId: 1, savedBefore: now + 1, limit: 1, keeping, now })
  await write(renumberUids, { accountId, now })
  await read(deletedMessages, { accountId, now })
  await write(forgetChanges, { accountId, before: now + 1 })
}
