// A content on its way in: in memory while it is small, in a file of the spool beyond.
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, failure } from '@postern/contract'
import type { Random } from '#base/clock'
import { largeContentBytes, type SpooledContent } from '#data/store'

export interface Spool extends AsyncDisposable {
  /** Bytes written so far. */
  readonly size: number
  /** `storageFull`, `storeUnavailable`. */
  write(chunk: Uint8Array): Promise<void>
  /** Everything written, as one attachment for `Store.write`. Call once; keep the spool until the write is done. `storageFull`, `storeUnavailable`. */
  finish(): Promise<Uint8Array | SpooledContent>
  /** Everything written, in memory. Only after `finish`. */
  bytes(): Promise<Buffer>
}

const syncEveryBytes = 4 * 1024 * 1024

export function createSpool(folder: string, random: Random, memoryBytes: number): Spool {
  let chunks: Uint8Array[] = []
  let size = 0
  let file: { readonly handle: FileHandle; readonly path: string; readonly hash: Hash; unsynced: number } | undefined
  let finished: Uint8Array | SpooledContent | undefined

  async function toFile(): Promise<NonNullable<typeof file>> {
    const path = join(folder, `${random.uuid()}.part`)
    const opened = { handle: await open(path, 'wx', 0o600), path, hash: createHash('sha256'), unsynced: 0 }
    file = opened
    for (const chunk of chunks) await append(opened, chunk)
    chunks = []
    return opened
  }

  async function append(target: NonNullable<typeof file>, chunk: Uint8Array): Promise<void> {
    target.hash.update(chunk)
    await target.handle.writeFile(chunk)
    target.unsynced += chunk.length
    // Synced on the way, the end of a large message does not wait for all of it.
    if (target.unsynced < syncEveryBytes) return
    await target.handle.datasync()
    target.unsynced = 0
  }

  return {
    get size() {
      return size
    },
    async write(chunk) {
      if (finished) throw new Error('the spool is finished')
      size += chunk.length
      if (file || size > memoryBytes) await inStorage(async () => append(file ?? (await toFile()), chunk))
      else chunks.push(Buffer.from(chunk))
    },
    async finish() {
      if (finished) return finished
      if (!file) {
        const [only] = chunks
        finished = chunks.length === 1 && only ? only : Buffer.concat(chunks, size)
      } else if (size <= largeContentBytes) {
        // Small enough for a pack: it shares the pack's sync and compression.
        const { path } = file
        finished = await inStorage(() => readFile(path))
      } else {
        const { handle, path, hash } = file
        await inStorage(() => handle.sync())
        finished = { path, size, hash: hash.digest() }
      }
      return finished
    },
    async bytes() {
      if (finished instanceof Uint8Array) return Buffer.from(finished.buffer, finished.byteOffset, finished.length)
      if (!finished) throw new Error('the spool is not finished')
      return await readFile(finished.path)
    },
    async [Symbol.asyncDispose]() {
      chunks = []
      if (!file) return
      await file.handle.close()
      await rm(file.path, { force: true })
    },
  }
}

async function inStorage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storageFailure(error)
  }
}

/** The file system's errors, as clients are told of them: whether trying again helps. */
export function storageFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return failure(code === 'ENOSPC' || code === 'EDQUOT' ? 'storageFull' : 'storeUnavailable', {}, { cause: error })
}
