// The client side of the embedded engine: sends commands to the writer thread, reads on a connection of its own.
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import { durationMs, type Trace } from '#base/trace'
import type { Command, News, Query, Reader } from '../../command.ts'
import { Refusal } from '../../refusal.ts'
import { type Attached, heldBytes, type Store, type StoreStats } from '../../store.ts'
import { createAdmission } from '../admission.ts'
import { copyDatabase } from './backup.ts'
import { createStatements, openForReading } from './connection.ts'
import { carry, storageFault } from './faults.ts'
import type { CarriedError, FromWriter, Request, ToWriter, WriterData } from './messages.ts'
import { createOutbox } from './outbox.ts'
import { revive } from './revive.ts'

export interface SqliteOptions {
  /** The data folder; made when missing. */
  readonly path: string
  /** Which file of several; accounts are spread over shards by number. Default 0. */
  readonly shard?: number
  readonly clock: Clock
  readonly trace: Trace
  /** Bytes of commands under way; beyond it `write` waits. Default 64 MiB. */
  readonly maxWaitingBytes?: number
  /** Module URLs with further `commands`: for tests of the engine. */
  readonly commandModules?: readonly string[]
}

/** Hands the store to another thread: transfer `port` with the message. */
export interface SharedStore {
  readonly folder: string
  readonly file: string
  readonly port: MessagePort
}

export interface SqliteStore extends Store {
  readonly kind: 'sqlite'
  /** For `joinSqliteStore` in another thread. */
  share(): SharedStore
}

const defaultWaitingBytes = 64 * 1024 * 1024
/** What a command costs besides its blobs, roughly. */
const commandBytes = 1024

export async function openSqliteStore(options: SqliteOptions): Promise<SqliteStore> {
  const { path, shard = 0 } = options
  const name = shard === 0 ? 'store' : `store-${shard}`
  const data: WriterData = {
    folder: path,
    file: join(path, `${name}.sqlite`),
    lockFile: join(path, `${name}.lock`),
    commandModules: options.commandModules ?? [],
  }
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw revive(carry(error), options.trace)
  }
  const worker = new Worker(new URL('./writer.ts', import.meta.url), { workerData: data })
  await started(worker, options.trace)
  const client = createClient({ ...options, folder: path, file: data.file, port: worker as Port })
  return {
    ...client.store,
    kind: 'sqlite',
    share() {
      const { port1, port2 } = new MessageChannel()
      const joining: ToWriter = { kind: 'join', port: port1 }
      worker.postMessage(joining, [port1])
      return { folder: path, file: data.file, port: port2 }
    },
    async [Symbol.asyncDispose]() {
      await client.settled()
      const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
      const closing: ToWriter = { kind: 'close' }
      worker.postMessage(closing)
      await exited
      client.close()
    },
  }
}

/** The same store in another thread than the one that opened it. Disposing of it leaves the store open. */
export function joinSqliteStore(shared: SharedStore, options: Pick<SqliteOptions, 'clock' | 'trace' | 'maxWaitingBytes'>): Store {
  const client = createClient({ ...options, folder: shared.folder, file: shared.file, port: shared.port as Port })
  return {
    ...client.store,
    async [Symbol.asyncDispose]() {
      await client.settled()
      shared.port.close()
      client.close()
    },
  }
}

function started(worker: Worker, trace: Trace): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (message: FromWriter) => {
      worker.off('error', reject)
      if (message.kind === 'ready') return resolve()
      void worker.terminate()
      reject(message.kind === 'refused' ? revive(message.error, trace) : new Error('the writer spoke out of turn'))
    })
  })
}

/** What a thread and a port have in common. */
interface Port {
  postMessage(message: ToWriter, transfer?: ArrayBuffer[]): void
  on(event: 'message', heard: (message: FromWriter) => void): unknown
  on(event: 'error', heard: (error: Error) => void): unknown
  on(event: 'exit', heard: () => void): unknown
}

interface ClientParts {
  readonly folder: string
  readonly file: string
  readonly port: Port
  readonly trace: Trace
  readonly maxWaitingBytes?: number
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (reason: Error) => void
  readonly bytes: number
}

interface Client {
  readonly store: Omit<Store, typeof Symbol.asyncDispose>
  /** Resolves when no command is under way. */
  settled(): Promise<void>
  close(): void
}

function createClient({ folder, file, port, trace, maxWaitingBytes = defaultWaitingBytes }: ClientParts): Client {
  const admission = createAdmission(maxWaitingBytes)
  const outbox = createOutbox(port)
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(news: News) => void>()
  const read = createSnapshotReader(file, trace)
  let nextId = 1
  let commits = 0
  let commands = 0
  let gone: CarriedError | undefined

  port.on('message', (message: FromWriter) => {
    if (message.kind !== 'group') return
    commits += 1
    commands += message.commands
    if (message.commands > 0) trace.emit('store.data-write', { elapsed: durationMs(message.elapsedMs), total: message.commands })
    for (const outcome of message.outcomes) {
      const command = waiting.get(outcome.id)
      if (!command) continue
      waiting.delete(outcome.id)
      admission.leave(command.bytes)
      if ('error' in outcome) command.reject(revive(outcome.error, trace))
      else command.resolve(outcome.value as never)
    }
    for (const news of message.news) for (const listener of listeners) listener(news)
  })
  // A writer that ends by itself is a defect; what it had committed is on disk, what it had not answered may be.
  port.on('error', (error: Error) => abandon(carry(error)))
  port.on('exit', () => abandon({ kind: 'storage', full: false, reason: 'the writer has ended' }))

  function abandon(error: CarriedError): void {
    gone ??= error
    for (const command of waiting.values()) {
      admission.leave(command.bytes)
      command.reject(revive(error, trace))
    }
    waiting.clear()
  }

  async function send<Result>(message: (id: number) => Request, bytes: number): Promise<Result> {
    await admission.enter(bytes)
    if (gone) {
      admission.leave(bytes)
      throw revive(gone, trace)
    }
    return new Promise<Result>((resolve, reject) => {
      const id = nextId++
      waiting.set(id, { resolve, reject, bytes })
      outbox.send(message(id), error => {
        waiting.delete(id)
        admission.leave(bytes)
        reject(error)
      })
    })
  }

  return {
    store: {
      kind: 'sqlite',
      folder,
      write<Args, Result>(command: Command<Args, Result>, args: Args, attached?: Attached): Promise<Result> {
        const own = attached ?? {}
        return send<Result>(id => ({ kind: 'write', id, name: command.name, args, attached: own }), commandBytes + heldBytes(own))
      },
      read: read.run,
      onCommit(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      stats: (): StoreStats => ({
        waitingCommands: waiting.size,
        waitingBytes: admission.held(),
        commits,
        commands,
        logBytes: statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      }),
      backup: target => copyDatabase(file, target, trace),
      tidy: () => send<void>(id => ({ kind: 'tidy', id }), commandBytes),
    },
    settled: () => admission.empty(),
    close() {
      gone ??= { kind: 'storage', full: false, reason: 'the store is closed' }
      read.close()
    },
  }
}

/**
 * Queries that overlap share one snapshot. Since they await nothing but answers that are already there, all of them end before the thread
 * hears of the next commit: a query started after a write was acknowledged always sees it.
 */
function createSnapshotReader(file: string, trace: Trace): { run: Store['read']; close(): void } {
  const database = openForReading(file)
  const statements = createStatements(database)
  const reader: Reader = { get: statements.get, all: statements.all, tuples: statements.tuples }
  let running = 0
  return {
    async run<Args, Result>(query: Query<Args, Result>, args: Args): Promise<Result> {
      if (!database.isOpen) throw failure('storeUnavailable', { reason: 'the store is closed' })
      try {
        if (running === 0) statements.run('BEGIN')
        running += 1
        try {
          return await query.run(reader, args)
        } finally {
          running -= 1
          if (running === 0) statements.run('COMMIT')
        }
      } catch (error) {
        throw error instanceof Refusal || storageFault(error) ? revive(carry(error), trace) : error
      }
    },
    close: () => database.close(),
  }
}
