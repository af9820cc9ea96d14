// Appends contents to packs. The records of a group of commands gather in memory and reach the disk in one write and one sync before the
// commit that names them. What no command names in the end is a hole, given back when its pack is rewritten.
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  constants as modes,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { compress } from './compression.ts'
import {
  type Encoding,
  encodeRecordHeader,
  encodings,
  foldersOf,
  largeContentBytes,
  largePath,
  packBytes,
  packPath,
  recordHeaderBytes,
  segmentOf,
} from './layout.ts'

/** Where a content was put; becomes a row of `blobs`. Large files have segment 0 and their copy number as offset. */
export interface Placement {
  readonly segment: number
  /** Of the record in its pack. */
  readonly offset: number
  /** Bytes on disk without the record's fixed part. */
  readonly storedLength: number
  readonly encoding: Encoding
}

export interface PackWriter extends Disposable {
  append(content: Uint8Array, hash: Uint8Array): Placement
  /** Takes in a file of the spool, which is durable; the spool keeps its own name for it. */
  adopt(path: string, size: number, hash: Uint8Array): Placement
  /**
   * Writes everything added since the last flush, then waits for the disk without holding up the thread; nothing may be appended meanwhile.
   * Rejects with what the file system says; then call `discard`.
   */
  flush(): Promise<void>
  /** Removes large files that no row names after all. */
  removeFiles(unnamed: readonly { readonly hash: Uint8Array; readonly placement: Placement }[]): void
  /** Forgets everything that is not settled; the next flush overwrites it. */
  discard(): void
  /** The commit succeeded: what was flushed is named by rows now. */
  settle(): void
}

export interface PackWriterOptions {
  /**
   * Segment → end of its last named record. Bytes behind it are the torn tail of a process that died before its commit, and are cut off.
   * Undefined when rows cannot tell (commits of a dead process may still arrive): then a new segment is begun.
   */
  readonly settledEnds: ReadonlyMap<number, number> | undefined
}

const leastAheadBytes = 64 * 1024
const mostAheadBytes = 1024 * 1024
const syncLater = promisify(fdatasync)

export function openPackWriter(folder: string, { settledEnds }: PackWriterOptions): PackWriter {
  const folders = foldersOf(folder)
  for (const path of Object.values(folders)) mkdirSync(path, { recursive: true, mode: 0o700 })
  const newest = Math.max(0, ...(settledEnds?.keys() ?? []), ...segmentsIn(folders.packs))
  let segment = settledEnds ? Math.max(1, newest) : newest + 1
  let descriptor = openSegment(segment)
  // Everything below `settled` is named by rows, everything below `flushed` is on disk.
  let settled = settledEnds?.get(segment) ?? 0
  let flushed = settled
  if (fstatSync(descriptor).size > settled) ftruncateSync(descriptor, settled)
  let allocated = settled
  let chunks: Uint8Array[] = []
  let pendingBytes = 0
  // Large files of the running group; removed when its rows do not come to be.
  let placed: string[] = []

  function openSegment(number: number): number {
    const path = packPath(folders, number)
    const isNew = !existsSync(path)
    const opened = openSync(path, modes.O_RDWR | modes.O_CREAT, 0o600)
    if (isNew) syncFolder(folders.packs)
    return opened
  }

  function closeSegment(): void {
    // Best effort: the next opening cuts as well.
    try {
      if (allocated > settled) ftruncateSync(descriptor, settled)
    } catch {}
    closeSync(descriptor)
  }

  /** Zeros ahead of the records: to overwrite them, a sync has no new blocks to enter in the file system's journal. */
  function makeRoom(end: number): void {
    if (end <= allocated) return
    const ahead = Math.min(mostAheadBytes, Math.max(leastAheadBytes, flushed >> 3))
    writeFully(descriptor, Buffer.alloc(end + ahead - allocated), allocated)
    allocated = end + ahead
  }

  function roll(): void {
    const opened = openSegment(segment + 1)
    closeSegment()
    descriptor = opened
    segment += 1
    settled = 0
    flushed = 0
    allocated = 0
  }

  function append(content: Uint8Array, hash: Uint8Array): Placement {
    if (content.length > largeContentBytes) return appendLarge(content, hash)
    // A full pack is left between groups only, so that one flush concerns one file.
    if (chunks.length === 0 && flushed === settled && flushed >= packBytes) roll()
    const { stored, encoding } = compress(content)
    const offset = flushed + pendingBytes
    chunks.push(encodeRecordHeader({ encoding, storedLength: stored.length, size: content.length, hash }), stored)
    pendingBytes += recordHeaderBytes + stored.length
    return { segment, offset, storedLength: stored.length, encoding }
  }

  function appendLarge(content: Uint8Array, hash: Uint8Array): Placement {
    const path = join(folders.spool, `${Buffer.from(hash).toString('hex')}.incoming`)
    const opened = openSync(path, 'w', 0o600)
    try {
      writeFully(opened, content, 0)
      fsyncSync(opened)
    } finally {
      closeSync(opened)
    }
    return place(content.length, hash, target => renameSync(path, target))
  }

  function adopt(path: string, size: number, hash: Uint8Array): Placement {
    const found = statSync(path, { throwIfNoEntry: false })?.size
    if (found !== size) throw new Error(`a spooled file has ${found ?? 'no'} bytes instead of ${size}`)
    return place(size, hash, target => linkSync(path, target))
  }

  function place(size: number, hash: Uint8Array, put: (target: string) => void): Placement {
    let copy = 0
    while (existsSync(largePath(folders, hash, copy))) copy += 1
    const target = largePath(folders, hash, copy)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    put(target)
    placed.push(target)
    syncFolder(dirname(target))
    syncFolder(folders.large)
    return { segment: 0, offset: copy, storedLength: size, encoding: encodings.file }
  }

  function remove(files: readonly string[]): void {
    for (const file of files) {
      // Best effort: a large file that no row names is garbage, and collected as such.
      try {
        rmSync(file, { force: true })
      } catch {}
    }
  }

  return {
    append,
    adopt,
    async flush() {
      if (chunks.length === 0) return
      makeRoom(flushed + pendingBytes)
      writeFully(descriptor, Buffer.concat(chunks, pendingBytes), flushed)
      await syncLater(descriptor)
      flushed += pendingBytes
      chunks = []
      pendingBytes = 0
    },
    removeFiles: unnamed => remove(unnamed.map(({ hash, placement }) => largePath(folders, hash, placement.offset))),
    discard() {
      chunks = []
      pendingBytes = 0
      flushed = settled
      remove(placed.splice(0))
    },
    settle() {
      settled = flushed
      placed = []
    },
    [Symbol.dispose]: closeSegment,
  }
}

/** The numbers of the packs in a folder. */
export function segmentsIn(packs: string): number[] {
  return readdirSync(packs)
    .map(segmentOf)
    .filter(number => number !== undefined)
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done)
}

function syncFolder(path: string): void {
  const opened = openSync(path, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
