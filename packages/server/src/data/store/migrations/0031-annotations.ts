import type { Migration } from './migration.ts'

export const annotationTable: Migration = {
  number: 31,
  name: 'annotations',
  statements: d => [
    // What clients noted about a mailbox, or about the account as a whole (mailbox −1). Holder −1: everybody's; else whose private note.
    `CREATE TABLE annotations (
       account_id ${d.integer} NOT NULL,
       mailbox_id ${d.integer} NOT NULL,
       holder_id ${d.integer} NOT NULL,
       name ${d.text} NOT NULL,
       value ${d.bytes} NOT NULL,
       PRIMARY KEY (account_id, mailbox_id, holder_id, name))`,
    'CREATE INDEX annotations_by_holder ON annotations (holder_id, account_id)',
  ],
}
