import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { findViolations, type Law } from './architecture.ts'

const law: Law = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'architecture.json'), 'utf8'))

/** A small tree that obeys the law; each case adds one file that does not. */
const lawful = {
  'packages/contract/src/index.ts': `export const events = {}\n`,
  'packages/mail/src/mime/index.ts': `import { inflateSync } from 'node:zlib'\nexport const inflate = inflateSync\n`,
  'packages/server/src/base/clock/index.ts': `export const now = () => Date.now()\n`,
  'packages/server/src/base/net/index.ts': `import { createServer } from 'node:net'\nimport { now } from '#base/clock'\nexport { createServer, now }\n`,
  'packages/server/src/data/store/index.ts': `import { isIP } from 'node:net'\nexport const ok = isIP\n`,
  'packages/server/src/services/mailbox/index.ts': `// Date.now() in a comment and 'setTimeout(' in a text are fine\nexport const text = 'setTimeout('\n`,
  'packages/server/src/services/queue/index.ts': `import { ok } from '#data/store'\nexport { ok }\n`,
  'packages/server/src/sessions/imap/index.ts': `import type { Socket } from 'node:net'\nexport type { Socket }\n`,
  'packages/server/src/sessions/smtp/index.ts': `export const a = 1\n`,
  'packages/server/src/app/main.ts': `console.log(process.argv, process.env.HOME)\n`,
  'packages/testkit/src/index.ts': `import { a } from '@postern/server/sessions/smtp'\nexport { a }\n`,
}

function violationsWith(path: string, source: string): string[] {
  const root = mkdtempSync(join(tmpdir(), 'law-'))
  try {
    for (const [name, text] of Object.entries({ ...lawful, [path]: source })) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    }
    return findViolations(root, law, new Set(['queue.schedule.retry']))
  } finally {
    rmSync(root, { recursive: true })
  }
}

test('a lawful tree has no violations', () => {
  assert.deepEqual(
    violationsWith('packages/server/src/sessions/pop3/index.ts', `import { ok } from '#services/queue'\nexport { ok }\n`),
    [],
  )
})

const server = 'packages/server/src'
const planted: ReadonlyArray<[name: string, path: string, source: string, expected: RegExp]> = [
  ['an import upwards', `${server}/data/blobs/index.ts`, `import { ok } from '#services/queue'\n`, /upwards/],
  [
    'an import of a later module of the layer',
    `${server}/services/directory/index.ts`,
    `import { ok } from '#services/queue'\n`,
    /listed before/,
  ],
  ['a session importing a session', `${server}/sessions/pop3/index.ts`, `import { a } from '#sessions/smtp'\n`, /never import each other/],
  ['an import past a door', `${server}/sessions/pop3/index.ts`, `import { x } from '#services/queue/schedule'\n`, /no door|past the door/],
  [
    'a relative import out of the module',
    `${server}/sessions/pop3/index.ts`,
    `import { a } from '../smtp/index.ts'\n`,
    /leaves its module/,
  ],
  ['a relative import without extension', `${server}/sessions/pop3/index.ts`, `import { a } from './x'\n`, /needs its .ts/],
  ['an unknown module', `${server}/services/helpers/index.ts`, `export const a = 1\n`, /not a module/],
  ['an unknown layer', `${server}/lib/index.ts`, `export const a = 1\n`, /not a layer/],
  ['an unknown package', 'packages/extras/src/index.ts', `export const a = 1\n`, /package extras/],
  ['a socket in a session', `${server}/sessions/pop3/index.ts`, `import { connect } from 'node:net'\n`, /sockets belong to/],
  ['a lazily imported socket', `${server}/sessions/pop3/index.ts`, `const net = await import('node:tls')\n`, /sockets belong to/],
  [
    'a database driver in a service',
    `${server}/services/spam/index.ts`,
    `import { DatabaseSync } from 'node:sqlite'\n`,
    /database drivers/,
  ],
  ['the DNS in a service', `${server}/services/spam/index.ts`, `import dns from 'node:dns'\n`, /DNS belong/],
  ['an HTTP call in a service', `${server}/services/spam/index.ts`, `export const get = () => fetch('http://localhost')\n`, /HTTP/],
  ['a timer in a session', `${server}/sessions/pop3/index.ts`, `setTimeout(() => {}, 1)\n`, /time and randomness/],
  ['the wall clock in a service', `${server}/services/spam/index.ts`, `export const now = () => Date.now()\n`, /time and randomness/],
  ['a new Date() in a service', `${server}/services/spam/index.ts`, `export const now = () => new Date()\n`, /time and randomness/],
  ['chance in a service', `${server}/services/spam/index.ts`, `export const dice = () => Math.random()\n`, /time and randomness/],
  ['the environment in a service', `${server}/services/spam/index.ts`, `export const home = process.env.HOME\n`, /environment/],
  ['console output in a service', `${server}/services/spam/index.ts`, `console.log('x')\n`, /console/],
  ['a setting key outside the contract', `${server}/services/spam/index.ts`, `export const key = 'queue.schedule.retry'\n`, /setting key/],
  ['contract importing the server', 'packages/contract/src/x.ts', `import { ok } from '@postern/server/data/store'\n`, /may not import/],
  ['contract doing I/O', 'packages/contract/src/x.ts', `import { readFileSync } from 'node:fs'\n`, /pure/],
  ['mail opening a socket', 'packages/mail/src/mime/x.ts', `import { connect } from 'node:net'\n`, /pure/],
  ['the server importing testkit', `${server}/app/x.ts`, `import { a } from '@postern/testkit'\n`, /may not import/],
  ['a file that is too long', `${server}/services/spam/index.ts`, 'export {}\n'.repeat(601), /601 lines/],
]

for (const [name, path, source, expected] of planted) {
  test(`the check finds ${name}`, () => {
    const violations = violationsWith(path, source)
    assert.ok(
      violations.some(text => text.startsWith(`${path}: `) && expected.test(text)),
      `found only ${JSON.stringify(violations)}`,
    )
  })
}

test('a function of the file that shares its name with a global one is no breach', () => {
  const path = `${server}/sessions/pop3/index.ts`
  assert.deepEqual(violationsWith(path, `export async function fetch(): Promise<void> {}\nvoid fetch()\n`), [])
})

test('tests may import testkit', () => {
  assert.deepEqual(violationsWith(`${server}/services/spam/spam.test.ts`, `import { a } from '@postern/testkit'\n`), [])
})
