import type { Migration } from './migration.ts'

/**
 * What a reader that remembers the directory needs to keep up: every change of a principal has a number, and removed ones leave a row.
 * Such a row is also the work order of the removal, and keeps its id from ever having mail again.
 */
export const principalChanges: Migration = {
  number: 26,
  name: 'principal changes',
  statements: d => [
    `ALTER TABLE principal_ids ADD COLUMN last_change ${d.integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE principals ADD COLUMN change_number ${d.integer} NOT NULL DEFAULT 0`,
    // 1 = the addresses were set to an empty list, which shows as one.
    `ALTER TABLE principals ADD COLUMN emails_emptied ${d.integer} NOT NULL DEFAULT 0`,
    'CREATE INDEX principals_by_change ON principals (change_number)',
    'CREATE INDEX principals_by_tenant_type ON principals (tenant_id, type)',
    `ALTER TABLE principal_emails ADD COLUMN domain ${d.text} NOT NULL DEFAULT ''`,
    d.name === 'sqlite'
      ? "UPDATE principal_emails SET domain = substr(address, instr(address, '@') + 1)"
      : "UPDATE principal_emails SET domain = substr(address, position('@' in address) + 1)",
    'CREATE INDEX principal_emails_by_domain ON principal_emails (domain)',
    `CREATE TABLE principal_removals (
       principal_id ${d.integer} NOT NULL PRIMARY KEY,
       state ${d.integer} NOT NULL,
       change_number ${d.integer} NOT NULL)`,
    'CREATE INDEX principal_removals_by_state ON principal_removals (state, principal_id)',
    'CREATE INDEX principal_removals_by_change ON principal_removals (change_number)',
  ],
}
