import type { Migration } from './migration.ts'

export const queueTables: Migration = {
  number: 12,
  name: 'queue',
  statements: d => [
    // Times are Unix milliseconds. `due_at` is the earliest of what any unfinished domain waits for.
    `CREATE TABLE queue_messages (
       id ${d.integer} NOT NULL PRIMARY KEY,
       created_at ${d.integer} NOT NULL,
       due_at ${d.integer} NOT NULL,
       lease_until ${d.integer} NOT NULL,
       return_path ${d.text} NOT NULL,
       env_id ${d.text},
       flags ${d.integer} NOT NULL,
       priority ${d.integer} NOT NULL,
       size ${d.integer} NOT NULL,
       blob_id ${d.integer} NOT NULL)`,
    'CREATE INDEX queue_by_due ON queue_messages (due_at, id)',
    'CREATE INDEX queue_by_lease ON queue_messages (lease_until) WHERE lease_until > 0',
    `CREATE TABLE queue_domains (
       message_id ${d.integer} NOT NULL,
       domain ${d.text} NOT NULL,
       status ${d.integer} NOT NULL,
       detail ${d.text} NOT NULL,
       error ${d.text} NOT NULL,
       retry_at ${d.integer} NOT NULL,
       retry_count ${d.integer} NOT NULL,
       notify_at ${d.integer},
       notify_count ${d.integer} NOT NULL,
       expires_at ${d.integer} NOT NULL,
       PRIMARY KEY (message_id, domain)) ${d.byKey}`,
    `CREATE TABLE queue_recipients (
       message_id ${d.integer} NOT NULL,
       position ${d.integer} NOT NULL,
       domain ${d.text} NOT NULL,
       address ${d.text} NOT NULL,
       orcpt ${d.text},
       flags ${d.integer} NOT NULL,
       status ${d.integer} NOT NULL,
       detail ${d.text} NOT NULL,
       PRIMARY KEY (message_id, position)) ${d.byKey}`,
  ],
}
