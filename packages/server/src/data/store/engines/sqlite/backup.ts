// A consistent copy of the database while writes go on.
import { Worker } from 'node:worker_threads'
import type { Trace } from '#base/trace'
import type { CarriedError } from './messages.ts'
import { revive } from './revive.ts'

/** Writes a compact copy into `target`, which must not exist. Runs in a thread of its own: it reads everything. */
export function copyDatabase(file: string, target: string, trace: Trace): Promise<void> {
  const worker = new Worker(new URL('./backup-worker.ts', import.meta.url), { workerData: { file, target } })
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (error: CarriedError | undefined) => (error ? reject(revive(error, trace)) : resolve()))
  })
}
