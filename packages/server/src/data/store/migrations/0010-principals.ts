import type { Migration } from './migration.ts'

export const principalTables: Migration = {
  number: 10,
  name: 'principals',
  statements: d => [
    // One row: ids are never used twice, also not that of a deleted newest principal.
    `CREATE TABLE principal_ids (only_row ${d.integer} NOT NULL PRIMARY KEY, last_id ${d.integer} NOT NULL)`,
    'INSERT INTO principal_ids (only_row, last_id) VALUES (1, 0)',
    `CREATE TABLE principals (
       id ${d.integer} NOT NULL PRIMARY KEY,
       type ${d.integer} NOT NULL,
       name ${d.text} NOT NULL UNIQUE,
       description ${d.text},
       picture ${d.text},
       tenant_id ${d.integer},
       quota ${d.integer},
       quota_list ${d.text},
       search ${d.text} NOT NULL)`,
    'CREATE INDEX principals_by_type ON principals (type, name)',
    'CREATE INDEX principals_by_tenant ON principals (tenant_id, name)',
    `CREATE TABLE principal_emails (
       address ${d.text} NOT NULL PRIMARY KEY,
       principal_id ${d.integer} NOT NULL,
       position ${d.integer} NOT NULL) ${d.byKey}`,
    'CREATE INDEX principal_emails_by_owner ON principal_emails (principal_id, position)',
    `CREATE TABLE principal_values (
       principal_id ${d.integer} NOT NULL,
       field ${d.integer} NOT NULL,
       position ${d.integer} NOT NULL,
       value ${d.text} NOT NULL,
       PRIMARY KEY (principal_id, field, position)) ${d.byKey}`,
    `CREATE TABLE principal_members (
       group_id ${d.integer} NOT NULL,
       member_id ${d.integer} NOT NULL,
       PRIMARY KEY (group_id, member_id)) ${d.byKey}`,
    'CREATE INDEX principal_members_by_member ON principal_members (member_id, group_id)',
  ],
}
