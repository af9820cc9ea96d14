// The writer thread: the only one that changes the database file and the packs.
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { systemClock, type Timer } from '#base/clock'
import { settledEnds } from '../../aggregates/blobs.ts'
import type { AnyCommand, Transaction } from '../../command.ts'
import { commands } from '../../commands.ts'
import { migrations } from '../../migrations.ts'
import { openPackWriter } from '../../packs/pack-writer.ts'
import { heldBytes } from '../../store.ts'
import { createStatements, emptyLog, openForWriting } from './connection.ts'
import { carry } from './faults.ts'
import { type GroupParts, runGroup, type WaitingCommand } from './group.ts'
import type { FromWriter, Outcome, ToWriter, WriterData } from './messages.ts'
import { migrate } from './migrate.ts'

// A group ends here so that the first of it does not wait for ever.
const groupCommands = 256
const groupBytes = 32 * 1024 * 1024
// A log this long means that checkpoints cannot keep up; then one is made to wait for the readers.
const longLogBytes = 64 * 1024 * 1024

// How long patient commands wait for others.
const patienceMs = 10

type Run = (tx: Transaction, args: unknown) => unknown

interface Known {
  readonly run: Run
  readonly isPatient: boolean
}

async function start(port: MessagePort, data: WriterData): Promise<void> {
  const answer = (message: FromWriter): void => port.postMessage(message)
  try {
    const lock = takeLock(data.lockFile)
    const database = openForWriting(data.file)
    migrate(database, migrations)
    const statements = createStatements(database)
    const packs = openPackWriter(data.folder, { settledEnds: await settledEnds(statements) })
    const runs = await commandsByName(data.commandModules)
    serve(port, { database, statements, packs }, runs, data, () => {
      packs[Symbol.dispose]()
      database.close()
      lock.close()
    })
    answer({ kind: 'ready' })
  } catch (error) {
    answer({ kind: 'refused', error: carry(error) })
  }
}

/**
 * One process per data folder: the lock is SQLite's own on a file beside the data, so the system frees it however the process ends.
 */
function takeLock(file: string): DatabaseSync {
  const lock = new DatabaseSync(file)
  // A predecessor may be just about to leave.
  lock.exec('PRAGMA busy_timeout = 250')
  lock.exec('BEGIN EXCLUSIVE')
  return lock
}

async function commandsByName(modules: readonly string[]): Promise<Map<string, Known>> {
  const byName = new Map<string, Known>()
  const add = (list: readonly AnyCommand[]): void => {
    for (const command of list) {
      if (byName.has(command.name)) throw new Error(`two commands are called ${command.name}`)
      // A client sends the arguments of exactly the command it names; the type is checked there.
      byName.set(command.name, { run: command.run as Run, isPatient: command.isPatient === true })
    }
  }
  add(commands)
  for (const module of modules) add((await import(module)).commands)
  return byName
}

interface Waiting {
  readonly from: MessagePort
  readonly message: ToWriter
}

interface Taken extends WaitingCommand {
  readonly origin: Waiting
}

function serve(mainPort: MessagePort, parts: GroupParts, known: ReadonlyMap<string, Known>, data: WriterData, close: () => void): void {
  const ports: MessagePort[] = []
  const waiting: Waiting[] = []
  let working = false
  let pause: Timer | undefined
  let closing = false
  let checkpointAtBytes = longLogBytes
  listen(mainPort)

  function listen(port: MessagePort): void {
    ports.push(port)
    port.on('message', (message: ToWriter) => {
      arrived(port, message)
      if (!working) begin()
    })
    port.on('close', () => ports.splice(ports.indexOf(port), 1))
  }

  function begin(): void {
    if (waiting.length > 0 && waiting.every(isPatient)) {
      pause ??= systemClock.after(patienceMs, () => {
        pause = undefined
        void work()
      })
      return
    }
    pause?.cancel()
    pause = undefined
    void work()
  }

  function isPatient({ message }: Waiting): boolean {
    return message.kind === 'write' && known.get(message.name)?.isPatient === true
  }

  async function work(): Promise<void> {
    working = true
    takeWhatArrived()
    // Patient ones that come during a commit wait for company again.
    do {
      const { from, message } = waiting[0] as Waiting
      if (message.kind === 'write') await group(takeGroup())
      else waiting.shift()
      if (message.kind === 'tidy') tidy(from, message.id)
      if (message.kind === 'join') listen(message.port)
      if (message.kind === 'close') closing = true
      takeWhatArrived()
    } while (waiting.length > 0 && (closing || !waiting.every(isPatient)))
    working = false
    if (!closing) {
      if (waiting.length > 0) begin()
      return
    }
    close()
    for (const port of ports) port.close()
  }

  // Messages that arrived during a commit join the next group without waiting for the event loop.
  function takeWhatArrived(): void {
    for (const port of ports) {
      for (let got = receiveMessageOnPort(port); got; got = receiveMessageOnPort(port)) arrived(port, got.message)
    }
  }

  function arrived(from: MessagePort, message: ToWriter): void {
    if (message.kind === 'several') for (const request of message.requests) waiting.push({ from, message: request })
    else waiting.push({ from, message })
  }

  function takeGroup(): Taken[] {
    const taken: Taken[] = []
    let bytes = 0
    while (taken.length < groupCommands && bytes < groupBytes) {
      const origin = waiting[0]
      if (origin?.message.kind !== 'write') break
      waiting.shift()
      const { id, name, args, attached } = origin.message
      taken.push({ origin, id, run: known.get(name)?.run ?? unknownCommand(name), args, attached })
      bytes += heldBytes(attached)
    }
    return taken
  }

  async function group(taken: readonly Taken[]): Promise<void> {
    const startedMs = systemClock.monotonic()
    const { outcomes, news } = await runGroup(parts, taken)
    const elapsedMs = systemClock.monotonic() - startedMs
    waiting.unshift(...taken.filter((_, index) => outcomes[index] === undefined).map(command => command.origin))
    for (const port of ports) {
      const own = outcomes.filter((outcome, index) => outcome !== undefined && taken[index]?.origin.from === port)
      if (own.length === 0 && news.length === 0) continue
      answerTo(port, { kind: 'group', outcomes: own.filter(outcome => outcome !== undefined), news, elapsedMs, commands: own.length })
    }
    shortenLog()
  }

  // The log is normally reset by the checkpoints that commits make; readers that never pause can prevent that.
  function shortenLog(): void {
    const bytes = statSync(`${data.file}-wal`, { throwIfNoEntry: false })?.size ?? 0
    if (bytes <= checkpointAtBytes) return
    // While readers are there, the next attempt is made when the log has grown by a quarter; at some size they are waited for.
    const emptied = emptyLog(parts.database, bytes > longLogBytes * 4 ? 1000 : 0)
    checkpointAtBytes = emptied ? longLogBytes : bytes + longLogBytes / 4
  }

  function tidy(port: MessagePort, id: number): void {
    let outcome: Outcome = { id, value: undefined }
    try {
      parts.database.exec('PRAGMA incremental_vacuum(1000)')
      parts.database.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch (error) {
      outcome = { id, error: carry(error) }
    }
    answerTo(port, { kind: 'group', outcomes: [outcome], news: [], elapsedMs: 0, commands: 0 })
  }

  function answerTo(port: MessagePort, message: FromWriter): void {
    port.postMessage(message)
  }
}

function unknownCommand(name: string): Run {
  return () => {
    throw new Error(`no command is called ${name}; is it listed in commands.ts?`)
  }
}

if (parentPort) await start(parentPort as MessagePort, workerData)
