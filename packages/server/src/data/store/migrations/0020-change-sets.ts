import type { Migration } from './migration.ts'

export const changeSetTables: Migration = {
  number: 20,
  name: 'change-sets',
  statements: d => [
    `CREATE TABLE change_sets (
       id ${d.counter},
       changed_at ${d.integer} NOT NULL,
       author ${d.text} NOT NULL,
       note ${d.text} NOT NULL)`,
    'CREATE INDEX change_sets_by_author ON change_sets (author, id)',
    // A value that is NULL was not set.
    `CREATE TABLE change_entries (
       set_id ${d.integer} NOT NULL,
       key ${d.text} NOT NULL,
       place ${d.text} NOT NULL,
       old_value ${d.text},
       new_value ${d.text},
       PRIMARY KEY (set_id, key)) ${d.byKey}`,
    // The settings file as it was last seen, so that what a person edits in it becomes a change set too.
    `CREATE TABLE settings_file (key ${d.text} NOT NULL PRIMARY KEY, value ${d.text} NOT NULL) ${d.byKey}`,
  ],
}
