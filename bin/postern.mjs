#!/usr/bin/env node
// `postern`: the server's own commands, and those that speak to a running server. Plain JavaScript, so that an old Node can
// still start it and hand over to the one that was installed beside it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const ofServer = ['run', 'init', 'try', '--config', '-c', '--init', '-I', '--version', '-V']
const [first] = process.argv.slice(2)
const isForServer =
  first === undefined ? Boolean(process.env.CONFIG_PATH) : ofServer.some(word => first === word || first.startsWith(`${word}=`))
const program = join(root, isForServer ? 'packages/server/src/app/start.mjs' : 'packages/cli/src/start.mjs')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > 24 || (major === 24 && minor >= 18)) {
  process.argv[1] = program
  await import(program)
} else {
  const node = join(root, 'node_modules/.bin/node')
  if (!existsSync(node)) {
    console.error(`Node ${process.versions.node} is too old; run 'npm install' in ${root} first.`)
    process.exit(1)
  }
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal tells the child by itself; others tell only us.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'])
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  child.on('error', error => {
    console.error(error.message)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
