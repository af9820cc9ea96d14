// Giving space back: contents nobody refers to, files no row names, packs that are mostly holes.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#base/clock'
import type { Trace } from '#base/trace'
import {
  announcePackRemoved,
  type BlobRow,
  blobsOfSegment,
  collectGarbage as collectRows,
  encodings,
  endReservations,
  findBlob,
  foldersOf,
  largeNameOf,
  largePath,
  liveBytes,
  locationOf,
  type PackReader,
  packPath,
  relocateBlobs,
  type Store,
  segmentsIn,
} from '#data/store'

export interface Collected {
  readonly blobs: number
  readonly bytes: number
  /** Files of processes that died before their commit. */
  readonly files: number
}

export interface Compacted {
  readonly packs: number
  readonly bytes: number
}

const rowsPerStep = 500
/** A file without a row may belong to a commit under way; after this long it does not. */
const orphanAgeMs = 24 * 3600 * 1000

export async function collectGarbage({ store, clock, trace }: { store: Store; clock: Clock; trace: Trace }): Promise<Collected> {
  const folders = foldersOf(store.folder)
  const now = Math.floor(clock.now() / 1000)
  while ((await store.write(endReservations, { now, limit: rowsPerStep })) === rowsPerStep);
  let blobs = 0
  let bytes = 0
  for (let after: number | undefined = 0; after !== undefined; ) {
    const step: { removed: readonly BlobRow[]; last: number | undefined } = await store.write(collectRows, {
      after,
      limit: rowsPerStep,
      now,
    })
    for (const row of step.removed) {
      blobs += 1
      bytes += row.storedLength
      trace.emit('store.blob-delete', { key: Buffer.from(row.hash).toString('hex') })
      if (row.encoding === encodings.file) rmSync(largePath(folders, row.hash, row.recordOffset), { force: true })
    }
    after = step.last
  }
  return { blobs, bytes, files: await removeOrphans(store, clock) }
}

async function removeOrphans(store: Store, clock: Clock): Promise<number> {
  const folders = foldersOf(store.folder)
  const isOld = (path: string): boolean => clock.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? clock.now()) > orphanAgeMs
  let removed = 0
  for (const name of readdirSync(folders.spool)) {
    const path = join(folders.spool, name)
    if (!isOld(path)) continue
    rmSync(path, { force: true })
    removed += 1
  }
  for (const group of readdirSync(folders.large)) {
    for (const name of readdirSync(join(folders.large, group))) {
      const path = join(folders.large, group, name)
      const named = largeNameOf(name)
      if (!named || !isOld(path)) continue
      const row = await store.read(findBlob, { hash: named.hash })
      if (row && row.encoding === encodings.file && row.recordOffset === named.copy) continue
      rmSync(path, { force: true })
      removed += 1
    }
  }
  return removed
}

/** Of a pack that is worth rewriting, at most this part is in use. */
const worthwhileUse = 0.5
const bytesPerStep = 8 * 1024 * 1024

export async function compactPacks({ store, trace, packs }: { store: Store; trace: Trace; packs: PackReader }): Promise<Compacted> {
  const folders = foldersOf(store.folder)
  const segments = segmentsIn(folders.packs).sort((a, b) => a - b)
  // The newest is being appended to.
  const settled = segments.slice(0, -1)
  const used = new Map((await store.read(liveBytes, {})).map(([segment, bytes]) => [segment, bytes]))
  let count = 0
  let freed = 0
  for (const segment of settled) {
    const size = statSync(packPath(folders, segment), { throwIfNoEntry: false })?.size ?? 0
    const live = used.get(segment) ?? 0
    if (live > size * worthwhileUse) continue
    if (!(await moveContents(store, trace, packs, segment))) continue
    rmSync(packPath(folders, segment), { force: true })
    await store.write(announcePackRemoved, { segment })
    count += 1
    freed += size - live
  }
  return { packs: count, bytes: freed }
}

/** False when a content cannot be read: then the pack stays. */
async function moveContents(store: Store, trace: Trace, packs: PackReader, segment: number): Promise<boolean> {
  for (;;) {
    const rows = await store.read(blobsOfSegment, { segment, limit: rowsPerStep })
    if (rows.length === 0) return true
    const ids: number[] = []
    const rewritten: { content: Buffer; hash: Uint8Array }[] = []
    let bytes = 0
    for (const row of rows) {
      if (bytes > bytesPerStep) break
      try {
        rewritten.push({ content: packs.read(locationOf(row)), hash: row.hash })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        trace.emit('store.data-corruption', { key: Buffer.from(row.hash).toString('hex'), reason })
        return false
      }
      ids.push(row.id)
      bytes += row.size
    }
    await store.write(relocateBlobs, { segment, ids }, { rewritten })
  }
}
