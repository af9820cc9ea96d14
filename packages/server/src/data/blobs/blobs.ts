import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { failure } from '@postern/contract'
import { LRUCache } from 'lru-cache'
import { type Clock, type Random, systemRandom } from '#base/clock'
import type { Trace } from '#base/trace'
import {
  type Attachment,
  type BlobLocation,
  type BlobRow,
  DamagedBlob,
  type Encoding,
  encodings,
  findBlob,
  foldersOf,
  hashOf,
  isStored,
  locationOf,
  openPackReader,
  type Store,
} from '#data/store'
import { type Collected, type Compacted, collectGarbage, compactPacks } from './collect.ts'
import { createSpool, type Spool } from './spool.ts'

/** Octets `start` ≤ n < `end`, clamped to the content. */
export interface Range {
  readonly start: number
  readonly end: number
}

export interface Blobs extends Disposable {
  /** Size of a content, or undefined when it is not stored. */
  sizeOf(hash: Uint8Array): Promise<number | undefined>
  /** The bytes. `blobNotFound`; damaged bytes are traced and answered as `storeUnavailable`. */
  read(hash: Uint8Array, range?: Range): Promise<Buffer>
  /** The same for who knows from a row where the bytes were; should they have moved, they are looked up. */
  readAt(location: BlobLocation, range?: Range): Promise<Buffer>
  /** The bytes piece by piece. Compressed contents, which are small, come in one. */
  stream(hash: Uint8Array, range?: Range): AsyncGenerator<Buffer, void, void>
  /** Where to gather an incoming content of unknown size. */
  spool(): Spool
  /** The bytes of a content that is about to be stored, or is to get another owner. */
  contentOf(attachment: Attachment): Promise<Buffer>
  /** Whether the stored bytes still have their hash. */
  verify(hash: Uint8Array): Promise<boolean>
  /** Removes contents without an owner or live reservation, and files no row names. */
  collectGarbage(): Promise<Collected>
  /** Rewrites packs of which less than half is in use. */
  compact(): Promise<Compacted>
}

export interface BlobsParts {
  readonly store: Store
  readonly clock: Clock
  readonly trace: Trace
  readonly random?: Random
  /** An incoming content larger than this goes to a file. Default 1 MiB. */
  readonly spoolMemoryBytes?: number
  /** Bytes of decompressed contents kept for repeated partial reads. Default 16 MiB. */
  readonly cacheBytes?: number
}

const pieceBytes = 256 * 1024
const leastCachedBytes = 16 * 1024

export function createBlobs(parts: BlobsParts): Blobs {
  const { store, clock, trace, random = systemRandom, spoolMemoryBytes = 1024 * 1024, cacheBytes = 16 * 1024 * 1024 } = parts
  const folders = foldersOf(store.folder)
  mkdirSync(folders.spool, { recursive: true, mode: 0o700 })
  const packs = openPackReader(store.folder)
  const stopListening = store.onCommit(({ topic, key }) => {
    if (topic === 'packRemoved' && typeof key === 'number') packs.forget(key)
  })
  const decompressed = new LRUCache<string, Buffer>({ maxSize: cacheBytes, sizeCalculation: content => content.length })

  async function locate(hash: Uint8Array): Promise<BlobLocation> {
    const row: BlobRow | undefined = await store.read(findBlob, { hash })
    if (!row) throw failure('blobNotFound')
    return locationOf(row)
  }

  /** Compaction may move the bytes between the look-up and the read: then the row is asked once more. */
  async function readWhere<Result>(location: BlobLocation, use: (location: BlobLocation) => Result): Promise<Result> {
    const { hash } = location
    try {
      return use(location)
    } catch (first) {
      const moved = await locate(hash)
      if (moved.segment === location.segment && moved.offset === location.offset) throw unreadable(hash, first)
      try {
        return use(moved)
      } catch (second) {
        throw unreadable(hash, second)
      }
    }
  }

  function unreadable(hash: Uint8Array, cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause)
    trace.emit(cause instanceof DamagedBlob ? 'store.data-corruption' : 'store.filesystem-error', {
      key: Buffer.from(hash).toString('hex'),
      reason,
    })
    return failure('storeUnavailable', { reason }, { cause })
  }

  async function readAt(known: BlobLocation, range?: Range): Promise<Buffer> {
    const key = range ? Buffer.from(known.hash).toString('base64') : ''
    const kept = range && decompressed.get(key)
    if (kept) return kept.subarray(...clamp(range, kept.length))
    return await readWhere(known, location => {
      if (!range) return packs.read(location)
      if (!isCompressed(location.encoding) || location.size < leastCachedBytes) return packs.read(location, range.start, range.end)
      const whole = packs.read(location)
      decompressed.set(key, whole)
      return whole.subarray(...clamp(range, whole.length))
    })
  }

  const read = async (hash: Uint8Array, range?: Range): Promise<Buffer> => readAt(await locate(hash), range)

  return {
    sizeOf: async hash => (await store.read(findBlob, { hash }))?.size,
    read,
    readAt,
    async *stream(hash, range) {
      const { size, encoding } = await locate(hash)
      const [start, end] = clamp(range ?? { start: 0, end: size }, size)
      if (isCompressed(encoding)) {
        if (end > start) yield await read(hash, { start, end })
        return
      }
      for (let at = start; at < end; at += pieceBytes) yield await read(hash, { start: at, end: Math.min(end, at + pieceBytes) })
    },
    spool: () => createSpool(folders.spool, random, spoolMemoryBytes),
    async contentOf(attachment) {
      if (attachment instanceof Uint8Array) return Buffer.from(attachment.buffer, attachment.byteOffset, attachment.length)
      return isStored(attachment) ? await read(attachment.hash) : await readFile(attachment.path)
    },
    async verify(hash) {
      const location = await locate(hash)
      try {
        return hashOf(packs.read(location)).equals(hash)
      } catch (error) {
        if (error instanceof DamagedBlob) return false
        throw error
      }
    },
    collectGarbage: () => collectGarbage({ store, clock, trace }),
    compact: () => compactPacks({ store, trace, packs }),
    [Symbol.dispose]() {
      stopListening()
      decompressed.clear()
      packs[Symbol.dispose]()
    },
  }
}

function isCompressed(encoding: Encoding): boolean {
  return encoding === encodings.zstd || encoding === encodings.deflate
}

function clamp({ start, end }: Range, size: number): [number, number] {
  const from = Math.min(Math.max(0, start), size)
  return [from, Math.min(Math.max(from, end), size)]
}
