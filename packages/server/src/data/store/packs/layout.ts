// Where contents live and how a record in a pack looks.
//
// A pack is an append-only file of records. The rows of table `blobs` say where each record is; the record repeats what is needed to
// check it, or to rebuild the rows. Fixed part, big endian:
//   0  4  magic "PSTB"        4  1  version 1       5  1  encoding       6  2  0
//   8  4  stored length      12  4  content length  16 32  SHA-256 of the content      48 … stored bytes
import { hash } from 'node:crypto'
import { join } from 'node:path'

export const recordHeaderBytes = 48
const magic = 0x50535442

/** How the stored bytes relate to the content. */
export const encodings = { plain: 0, zstd: 1, file: 2, deflate: 3 } as const
export type Encoding = (typeof encodings)[keyof typeof encodings]

/** Contents above this many bytes get a file of their own. */
export const largeContentBytes = 8 * 1024 * 1024
/** A pack that has reached this size is not appended to any more. */
export const packBytes = 64 * 1024 * 1024

export interface Folders {
  readonly packs: string
  readonly large: string
  readonly spool: string
}

export function foldersOf(folder: string): Folders {
  return { packs: join(folder, 'blobs', 'packs'), large: join(folder, 'blobs', 'large'), spool: join(folder, 'blobs', 'spool') }
}

/** The file of pack number `segment`. */
export function packPath(folders: Folders, segment: number): string {
  return join(folders.packs, `${String(segment).padStart(8, '0')}.pack`)
}

/** The segment number of a file name in the packs folder, or undefined when it is none of ours. */
export function segmentOf(fileName: string): number | undefined {
  const match = /^(\d{8,})\.pack$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

/**
 * The file of a large content: spread over 256 folders. The copy number makes every placement a file of its own, so that removing the file
 * of a collected content never hits an equal one that was stored meanwhile.
 */
export function largePath(folders: Folders, hash: Uint8Array, copy: number): string {
  const name = Buffer.from(hash).toString('hex')
  return join(folders.large, name.slice(0, 2), `${name}.${copy}`)
}

/** Hash and copy number of a file name in the folders of large contents, or undefined when it is none of ours. */
export function largeNameOf(fileName: string): { readonly hash: Buffer; readonly copy: number } | undefined {
  const match = /^([0-9a-f]{64})\.(\d+)$/.exec(fileName)
  return match?.[1] === undefined ? undefined : { hash: Buffer.from(match[1], 'hex'), copy: Number(match[2]) }
}

export interface RecordHeader {
  readonly encoding: Encoding
  readonly storedLength: number
  readonly size: number
  readonly hash: Buffer
}

export function encodeRecordHeader(header: Omit<RecordHeader, 'hash'> & { readonly hash: Uint8Array }): Buffer {
  const bytes = Buffer.alloc(recordHeaderBytes)
  bytes.writeUInt32BE(magic, 0)
  bytes.writeUInt8(1, 4)
  bytes.writeUInt8(header.encoding, 5)
  bytes.writeUInt32BE(header.storedLength, 8)
  bytes.writeUInt32BE(header.size, 12)
  bytes.set(header.hash, 16)
  return bytes
}

/** Reads the fixed part; undefined when these bytes are not the start of a record. */
export function decodeRecordHeader(bytes: Uint8Array): RecordHeader | undefined {
  if (bytes.length < recordHeaderBytes) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, recordHeaderBytes)
  const encoding = view.readUInt8(5)
  if (view.readUInt32BE(0) !== magic || view.readUInt8(4) !== 1) return undefined
  if (!isRecordEncoding(encoding)) return undefined
  return { encoding, storedLength: view.readUInt32BE(8), size: view.readUInt32BE(12), hash: Buffer.from(view.subarray(16, 48)) }
}

function isRecordEncoding(encoding: number): encoding is Exclude<Encoding, typeof encodings.file> {
  return encoding === encodings.plain || encoding === encodings.zstd || encoding === encodings.deflate
}

export function hashOf(content: Uint8Array): Buffer {
  return hash('sha256', content, 'buffer')
}
