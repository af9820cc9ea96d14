// Blobs: contents by hash, wherever their bytes are.
//
// Owns reading (whole, in ranges, in pieces), the spool for contents that are too large to wait in memory, verification, and the
// collection of what no row refers to. Never decides who may read, never changes a byte.
export { type Blobs, createBlobs, type Range } from './blobs.ts'
export type { Collected, Compacted } from './collect.ts'
export { type Spool, storageFailure } from './spool.ts'
