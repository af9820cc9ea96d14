// VACUUM INTO: one read transaction, full speed. The stepwise backup interface starts over at every write and so never ends on a busy store.
import { parentPort, workerData } from 'node:worker_threads'
import { openForReading } from './connection.ts'
import { carry } from './faults.ts'
import type { CarriedError } from './messages.ts'

const answer = (error: CarriedError | undefined): void => parentPort?.postMessage(error)
const { file, target }: { file: string; target: string } = workerData
try {
  const database = openForReading(file)
  try {
    database.prepare('VACUUM INTO ?').run(target)
  } finally {
    database.close()
  }
  answer(undefined)
} catch (error) {
  answer(carry(error))
}
