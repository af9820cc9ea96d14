// Messages that were accepted a moment ago and are worked on at once, without a write that leases them and a read of what is still in memory.
// On disk they are leased from the start; a process that ends gives them back when it starts again.
import type { QueuedMessage } from '#data/store'

export interface Handover {
  /** Whether there is room; then the place is taken until `add` or `giveUp`. */
  reserve(bytes: number): boolean
  giveUp(bytes: number): void
  /** Makes a reserved message available. */
  add(message: QueuedMessage, content: Uint8Array | undefined): void
  /** The next to work on, the highest priority first. */
  take(limit: number): readonly QueuedMessage[]
  /** Takes those out that nobody has begun to work on. */
  withdraw(ids?: readonly number[]): readonly QueuedMessage[]
  /** The bytes of a message, as long as it is held. */
  contentOf(id: number): Buffer | undefined
  /** The work is done: the place is free. */
  forget(id: number): void
  readonly waiting: number
}

interface Held {
  readonly content: Buffer | undefined
  readonly bytes: number
}

export function createHandover({ maxMessages, maxBytes }: { readonly maxMessages: number; readonly maxBytes: number }): Handover {
  let waiting: QueuedMessage[] = []
  const held = new Map<number, Held>()
  let places = 0
  let bytesHeld = 0

  function free(bytes: number): void {
    places -= 1
    bytesHeld -= bytes
  }

  function forget(id: number): void {
    const known = held.get(id)
    if (known === undefined) return
    held.delete(id)
    free(known.bytes)
  }

  return {
    reserve(bytes) {
      if (places >= maxMessages || (bytesHeld > 0 && bytesHeld + bytes > maxBytes)) return false
      places += 1
      bytesHeld += bytes
      return true
    },
    giveUp: free,
    add(message, content) {
      held.set(message.id, {
        content: content && Buffer.from(content.buffer, content.byteOffset, content.byteLength),
        bytes: content?.byteLength ?? 0,
      })
      waiting.push(message)
    },
    take(limit) {
      if (waiting.some(({ priority }) => priority !== 0)) waiting.sort((a, b) => b.priority - a.priority)
      return waiting.splice(0, limit)
    },
    withdraw(ids) {
      const wanted = ids === undefined ? undefined : new Set(ids)
      const out = waiting.filter(({ id }) => wanted === undefined || wanted.has(id))
      if (out.length === 0) return out
      const gone = new Set(out)
      waiting = waiting.filter(message => !gone.has(message))
      for (const { id } of out) forget(id)
      return out
    },
    contentOf: id => held.get(id)?.content,
    forget,
    get waiting() {
      return waiting.length
    },
  }
}
