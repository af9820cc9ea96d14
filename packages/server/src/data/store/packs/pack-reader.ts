// Reads contents back from packs and large files. Keeps a few packs open; never writes.
import { closeSync, openSync, readSync } from 'node:fs'
import { decompress } from './compression.ts'
import { decodeRecordHeader, encodings, foldersOf, largePath, packPath, recordHeaderBytes } from './layout.ts'
import type { Placement } from './pack-writer.ts'

/** A row of `blobs` as far as reading needs it. */
export interface BlobLocation extends Placement {
  readonly hash: Uint8Array
  /** Bytes of the content. */
  readonly size: number
}

/** Bytes on disk that are not what their row says. */
export class DamagedBlob extends Error {}

export interface PackReader extends Disposable {
  /** The content, or `[start, end)` of it, clamped. Throws DamagedBlob, or the file system's error when the file is gone. */
  read(location: BlobLocation, start?: number, end?: number): Buffer
  /** Closes the file of a pack that was removed. */
  forget(segment: number): void
}

const openPacks = 64

export function openPackReader(folder: string): PackReader {
  const folders = foldersOf(folder)
  // Insertion order is order of use: the first is the longest unused.
  const descriptors = new Map<number, number>()

  function descriptorOf(segment: number): number {
    const known = descriptors.get(segment)
    if (known !== undefined) {
      descriptors.delete(segment)
      descriptors.set(segment, known)
      return known
    }
    const opened = openSync(packPath(folders, segment), 'r')
    descriptors.set(segment, opened)
    if (descriptors.size > openPacks) {
      const [oldest] = descriptors.keys()
      if (oldest !== undefined) forget(oldest)
    }
    return opened
  }

  function forget(segment: number): void {
    const descriptor = descriptors.get(segment)
    if (descriptor === undefined) return
    descriptors.delete(segment)
    closeSync(descriptor)
  }

  function readRecord(location: BlobLocation): Buffer {
    const record = readExactly(descriptorOf(location.segment), location.offset, recordHeaderBytes + location.storedLength)
    const header = decodeRecordHeader(record)
    if (!header || header.storedLength !== location.storedLength || !header.hash.equals(location.hash)) {
      throw new DamagedBlob(`no record of this blob at ${location.offset} of pack ${location.segment}`)
    }
    const stored = record.subarray(recordHeaderBytes)
    try {
      return decompress(stored, header.encoding, location.size)
    } catch (cause) {
      throw new DamagedBlob(`the record at ${location.offset} of pack ${location.segment} does not decompress`, { cause })
    }
  }

  return {
    read(location, start = 0, end = location.size) {
      const from = Math.min(Math.max(0, start), location.size)
      const to = Math.min(Math.max(from, end), location.size)
      if (from === to) return Buffer.alloc(0)
      if (location.encoding === encodings.file) {
        const descriptor = openSync(largePath(folders, location.hash, location.offset), 'r')
        try {
          return readExactly(descriptor, from, to - from)
        } finally {
          closeSync(descriptor)
        }
      }
      // A plain record's range is read without the rest; the whole content is checked against its header.
      if (location.encoding === encodings.plain && to - from < location.size) {
        return readExactly(descriptorOf(location.segment), location.offset + recordHeaderBytes + from, to - from)
      }
      const content = readRecord(location)
      if (content.length !== location.size) throw new DamagedBlob(`the content at ${location.offset} has ${content.length} bytes`)
      return content.subarray(from, to)
    },
    forget,
    [Symbol.dispose]() {
      for (const segment of [...descriptors.keys()]) forget(segment)
    },
  }
}

function readExactly(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const count = readSync(descriptor, bytes, done, length - done, position + done)
    if (count === 0) throw new DamagedBlob(`the file ends ${length - done} bytes early`)
    done += count
  }
  return bytes
}
