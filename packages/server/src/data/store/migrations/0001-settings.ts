import type { Migration } from './migration.ts'

export const settingsTable: Migration = {
  number: 1,
  name: 'settings',
  statements: d => [`CREATE TABLE settings (key ${d.text} NOT NULL PRIMARY KEY, value ${d.text} NOT NULL) ${d.byKey}`],
}
