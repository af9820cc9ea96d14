// Contents that were brought to disk for commands about to run, by hash.
import type { Attachment } from '../store.ts'
import { encodings, hashOf } from './layout.ts'
import type { Placement } from './pack-writer.ts'

/** A content had a row when it was prepared, and none when its command ran: it has to be brought to disk after all, and the command repeated. */
export class ContentVanished extends Error {}

export interface PreparedContents {
  /** SHA-256; each content is hashed once. */
  hashOf(attachment: Attachment): Uint8Array
  has(hash: Uint8Array): boolean
  put(hash: Uint8Array, placement: Placement): void
  /** Throws ContentVanished. */
  placementOf(hash: Uint8Array): Placement
  readonly large: readonly { readonly hash: Uint8Array; readonly placement: Placement }[]
}

export function createPrepared(): PreparedContents {
  const hashes = new Map<Uint8Array, Uint8Array>()
  const placements = new Map<string, Placement>()
  const large: { hash: Uint8Array; placement: Placement }[] = []
  return {
    large,
    hashOf(attachment) {
      if (!(attachment instanceof Uint8Array)) return attachment.hash
      const hash = hashes.get(attachment) ?? hashOf(attachment)
      hashes.set(attachment, hash)
      return hash
    },
    has: hash => placements.has(keyOf(hash)),
    put(hash, placement) {
      placements.set(keyOf(hash), placement)
      if (placement.encoding === encodings.file) large.push({ hash, placement })
    },
    placementOf(hash) {
      const placement = placements.get(keyOf(hash))
      if (!placement) throw new ContentVanished()
      return placement
    },
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('latin1')
}
