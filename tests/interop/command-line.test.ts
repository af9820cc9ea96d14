// What an administrator sees who starts the program by hand.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findPortBase, type ServerProcess, startServerProcess } from '@postern/testkit'
import { runTool, type ToolRun } from './tools.ts'

const main = join(import.meta.dirname, '../../packages/server/src/app/start.mjs')
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'command-line-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const postern = (args: readonly string[], env: Record<string, string> = {}): Promise<ToolRun> =>
  runTool(process.execPath, [main, ...args], { env })

test('help, version, and what is not understood', async () => {
  assert.match((await postern(['--help'])).output, /postern run --config FILE/)
  assert.match((await postern(['-V'])).output, /^\d+\.\d+\.\d+\n$/)
  const unknown = await postern(['--colour'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.output, /--colour/)
  assert.equal((await postern(['dance'])).code, 2)
})

test('init makes an installation once, with the password it prints', async () => {
  const home = join(folder, 'new')
  const made = await postern(['init', home])
  assert.equal(made.code, 0, made.output)
  const [, password = ''] = /'admin' has the password '([A-Za-z0-9]{10})'/.exec(made.output) ?? []
  assert.notEqual(password, '')
  const config = await readFile(join(home, 'etc/config.toml'), 'utf8')
  assert.match(config, /server\.listener\.smtp\.bind = "\[::\]:25"/)
  assert.doesNotMatch(config, new RegExp(password))
  assert.equal((await stat(join(home, 'etc/config.toml'))).mode & 0o077, 0, 'only the owner reads it')
  const again = await postern(['init', home])
  assert.equal(again.code, 1)
  assert.match(again.output, /EEXIST|exists/)
})

test('a port that is taken is named, and the exit code is 1', async () => {
  const base = await findPortBase()
  const taken: Server = createServer().listen(base + 25, '127.0.0.1')
  try {
    const { code, output } = await postern(['try'], { POSTERN_HOME: join(folder, 'taken'), POSTERN_PORT_BASE: String(base) })
    assert.equal(code, 1)
    assert.equal(output, `cannot listen on 127.0.0.1:${base + 25}: the port is taken by another program\n`)
    // Nobody has seen the password of this installation.
    await assert.rejects(stat(join(folder, 'taken/etc/config.toml')), { code: 'ENOENT' })
  } finally {
    taken.close()
  }
})

test('a settings file that is broken, or missing, is named with what is wrong', async () => {
  const file = join(folder, 'broken.toml')
  await writeFile(file, '[store.main]\ntype = "sqlite\n')
  const broken = await postern(['run', '--config', file])
  assert.equal(broken.code, 1)
  assert.match(broken.output, /^The settings file cannot be understood: line 2: /)
  const missing = await postern(['--config', join(folder, 'none.toml')])
  assert.equal(missing.code, 1)
  assert.match(missing.output, /^Cannot start: .*none\.toml/)
  await writeFile(file, 'storage.data = "main"\n')
  const without = await postern(['-c', file])
  assert.equal(without.code, 1)
  assert.match(without.output, /^Cannot start: the store main /)
})

test('a data folder that cannot be made is a clear line', async () => {
  await writeFile(join(folder, 'a-file'), '')
  const { code, output } = await postern(['try'], { POSTERN_HOME: join(folder, 'a-file'), POSTERN_PORT_BASE: String(await findPortBase()) })
  assert.equal(code, 1)
  assert.match(output, /^Cannot start in .*a-file/)
})

test('two servers on one folder: the second says so and leaves the first alone', async () => {
  const home = join(folder, 'shared')
  const first: ServerProcess = await startServerProcess({ folder: home })
  try {
    const second = await postern(['run', '--config', join(home, 'etc/config.toml')])
    assert.equal(second.code, 1)
    assert.match(second.output, /^Cannot start: /)
    assert.deepEqual(await first.call('GET', '/api/queue/status'), true)
    for (const path of ['etc', 'data', 'logs', 'data/store.sqlite', 'etc/config.toml'])
      assert.equal((await stat(join(home, path))).mode & 0o077, 0, `${path} is for its owner alone`)
  } finally {
    await first[Symbol.asyncDispose]()
  }
})

test('an installation written for an engine of another name starts unchanged', async () => {
  const home = join(folder, 'moved')
  const first = await startServerProcess({ folder: home })
  await first.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  const { base } = first
  await first[Symbol.asyncDispose]()
  const file = join(home, 'etc/config.toml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('store.main.type = "sqlite"', 'store.main.type = "rocksdb"'))
  const second = await startServerProcess({ folder: home, base })
  try {
    assert.ok(await second.call('GET', '/api/principal/example.org'))
  } finally {
    await second[Symbol.asyncDispose]()
  }
})
