import type { Migration } from './migration.ts'

export const signingKeyTables: Migration = {
  number: 22,
  name: 'signing-keys',
  statements: d => [
    // Keys of a signature beside the one that signs: the next one (with its private key), and former ones until `ends_at`.
    `CREATE TABLE signing_keys (
       signature_id ${d.text} NOT NULL,
       selector ${d.text} NOT NULL,
       algorithm ${d.text} NOT NULL,
       public_key ${d.text} NOT NULL,
       private_key ${d.text},
       created_at ${d.integer} NOT NULL,
       ends_at ${d.integer},
       PRIMARY KEY (signature_id, selector)) ${d.byKey}`,
    // What this server wrote into zones: it may be replaced, everything else is somebody's.
    `CREATE TABLE published_records (
       domain ${d.text} NOT NULL,
       name ${d.text} NOT NULL,
       type ${d.text} NOT NULL,
       content ${d.text} NOT NULL,
       PRIMARY KEY (domain, name, type, content)) ${d.byKey}`,
  ],
}
