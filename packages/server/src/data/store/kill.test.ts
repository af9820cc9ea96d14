// kill -9 at any instant: everything acknowledged is there, nothing is half there, and the store opens.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { systemClock, systemRandom } from '#base/clock'
import { silentTrace } from '#base/trace'
import { checkInvariants, getManyQueued, getSetting, messagesById, openStore, placementsByUid, type Store } from './index.ts'
import { type Acknowledged, accountId } from './testing/acknowledged.ts'

const rounds = 20
const mostAcknowledged = 120

it('a store that is killed again and again loses nothing acknowledged', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-kill-'))
  try {
    const expected = createExpectations()
    for (let round = 1; round <= rounds; round++) {
      await runAndKill(folder, round, 1 + systemRandom.integer(mostAcknowledged), expected.hear)
      await using store = await openStore({ kind: 'sqlite', path: folder, clock: systemClock, trace: silentTrace })
      assert.deepEqual(await checkInvariants(store), [], `round ${round}`)
      await expected.check(store)
    }
    assert.ok(expected.count() >= rounds, 'the killed processes got something done')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** Kills the process as soon as it has told of `acknowledged` writes; others are under way at that instant. */
async function runAndKill(folder: string, round: number, acknowledged: number, hear: (line: Acknowledged) => void): Promise<void> {
  const script = join(import.meta.dirname, 'testing', 'busy-process.ts')
  const child: ChildProcess = spawn(process.execPath, [script, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.ok(child.stdout)
  const exited = once(child, 'exit')
  let heard = 0
  for await (const line of createInterface({ input: child.stdout })) {
    // The kill may cut the last line.
    if (!line.endsWith('}')) continue
    hear(JSON.parse(line))
    heard += 1
    if (heard === acknowledged) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL', `round ${round}: the process ended by itself after ${heard} writes`)
}

interface Expectations {
  hear(line: Acknowledged): void
  check(store: Store): Promise<void>
  count(): number
}

function createExpectations(): Expectations {
  const messages = new Map<number, string>()
  const removed = new Set<number>()
  // A flag change that was not acknowledged may have been made or not.
  const flags = new Map<number, Set<number>>()
  const settings = new Map<number, number>()
  const queue = new Map<number, string>()
  const cancelled = new Set<number>()
  let count = 0

  return {
    count: () => count,
    hear({ kind, id, value, hash }) {
      count += 1
      if (kind === 'appended') messages.set(id, hash)
      if (kind === 'removed') removed.add(id)
      if (kind === 'flagging') flags.set(id, new Set([0, value]))
      if (kind === 'flagged') flags.set(id, new Set([value]))
      if (kind === 'set') settings.set(id, value)
      if (kind === 'queued') queue.set(id, hash)
      if (kind === 'cancelled') cancelled.add(id)
    },
    async check(store) {
      const found = new Map((await store.read(messagesById, { accountId, ids: [...messages.keys()] })).map(row => [row.id, row]))
      for (const [id, hash] of messages) {
        const row = found.get(id)
        assert.ok(row, `message ${id} is lost`)
        assert.equal(Buffer.from(row.blobHash).toString('hex'), hash, `message ${id} has other bytes`)
      }
      assert.deepEqual(await store.read(messagesById, { accountId, ids: [...removed] }), [], 'removed messages stay removed')
      for (const [uid, , own] of await store.read(placementsByUid, { accountId, mailboxId: 0, uids: [...flags.keys()] })) {
        assert.ok(flags.get(uid)?.has(own), `message ${uid} has flags ${own} instead of one of ${[...(flags.get(uid) ?? [])]}`)
      }
      for (const [lane, value] of settings) {
        const stored = Number(await store.read(getSetting, { key: `lane.${lane}` }))
        assert.ok(stored >= value, `setting ${lane} is ${stored}, acknowledged was ${value}`)
      }
      const queued = new Map((await store.read(getManyQueued, { ids: [...queue.keys()] })).map(row => [row.id, row]))
      for (const [id, hash] of queue) {
        const row = queued.get(id)
        if (cancelled.has(id)) assert.equal(row, undefined, `queued message ${id} is back`)
        // An odd one may have been cancelled without that being told.
        else if (row || id % 2 === 0) assert.equal(row && Buffer.from(row.blobHash).toString('hex'), hash, `queued message ${id} is lost`)
      }
    },
  }
}
