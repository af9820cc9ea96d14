// Runs every test of the workspace and ends with `N passed, N failed`. Arguments narrow it to files or globs.
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const everything = ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'tests/**/*.test.ts']
const wanted = process.argv.slice(2)

const counts = { passed: 0, failed: 0, skipped: 0 }
const events = run({ globPatterns: wanted.length > 0 ? wanted : everything, concurrency: 2, timeout: 15 * 60_000 })
events.on('test:summary', ({ file, counts: found }) => {
  // The summary without a file is that of the whole run.
  if (file !== undefined) return
  counts.passed = found.passed
  counts.failed = found.tests - found.passed - found.skipped - found.todo
  counts.skipped = found.skipped
})
// Passed tests are counted, not listed: what is printed should be worth reading.
const quiet = new spec()
events.on('test:fail', event => quiet.write({ type: 'test:fail', data: event }))
events.on('test:diagnostic', event => event.level !== 'info' && process.stdout.write(`${event.message}\n`))
events.on('test:pass', ({ name, skip }) => {
  if (skip !== undefined) process.stdout.write(`skipped: ${name}${typeof skip === 'string' ? `: ${skip}` : ''}\n`)
})
events.on('test:stderr', ({ message }) => process.stderr.write(message))
events.on('test:stdout', ({ message }) => process.stdout.write(message))
quiet.pipe(process.stdout)
for await (const _ of events);
quiet.end()
await new Promise(resolve => quiet.once('end', resolve))
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
