// A message on its way in. Takes octets up to a limit; beyond it, or when the disk gives out, what comes is counted and dropped, so that
// the client can be read to the end of its message and told why.
import { open } from 'node:fs/promises'
import { type Failure, failure } from '@postern/contract'
import type { ByteBudget } from '#base/limits'
import { type Blobs, type Spool, storageFailure } from '#data/blobs'
import type { SpooledContent } from '#data/store'

export interface ReceivedContent {
  /** The whole content, or its beginning when it stands in a file. */
  readonly head: Buffer
  readonly size: number
  /** Set for what is too large for memory. */
  readonly file: SpooledContent | null
}

/** Of a content in a file so much is looked at for its header. */
const headBytes = 1024 * 1024
/** About what a message holds of the memory all share; the rest of it goes to a file. */
const heldBytes = 1024 * 1024

/** Begins to receive a message of at most `maxBytes` (0 for no limit). */
export type Receive = (maxBytes: number) => Incoming

export function createReceive({ blobs, budget }: { blobs: Pick<Blobs, 'spool'>; budget: ByteBudget }): Receive {
  return maxBytes => new Incoming(blobs.spool(), { maxBytes, budget })
}

export class Incoming implements AsyncDisposable {
  /** Why the message cannot be taken; known before its end. */
  problem: Failure | null = null
  private readonly spool: Spool
  private readonly maxBytes: number
  private readonly budget: ByteBudget
  private taken = 0
  private size = 0

  constructor(spool: Spool, { maxBytes, budget }: { maxBytes: number; budget: ByteBudget }) {
    this.spool = spool
    this.maxBytes = maxBytes
    this.budget = budget
  }

  /** Never rejects: see `problem`. */
  async take(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      this.size += piece.length
      if (this.problem !== null) continue
      if (this.maxBytes > 0 && this.size > this.maxBytes) {
        this.problem = failure('messageTooLarge', { limit: this.maxBytes })
        continue
      }
      try {
        this.hold(Math.min(piece.length, heldBytes - this.taken))
        await this.spool.write(piece)
      } catch (error) {
        this.problem = storageFailure(error)
      }
    }
  }

  private hold(bytes: number): void {
    this.budget.take(bytes)
    this.taken += bytes
  }

  refuse(problem: Failure): void {
    this.problem ??= problem
  }

  /** The content as received. Throws the problem. */
  async finish(): Promise<ReceivedContent> {
    if (this.problem !== null) throw this.problem
    try {
      const content = await this.spool.finish()
      // What is small enough for a pack is in memory now, whole.
      if (content instanceof Uint8Array) this.hold(content.byteLength - this.taken)
      if (content instanceof Uint8Array)
        return { head: Buffer.from(content.buffer, content.byteOffset, content.byteLength), size: content.byteLength, file: null }
      return { head: await readHead(content.path), size: content.size, file: content }
    } catch (error) {
      throw storageFailure(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.budget.release(this.taken)
    this.taken = 0
    await this.spool[Symbol.asyncDispose]()
  }
}

async function readHead(path: string): Promise<Buffer> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(headBytes), 0, headBytes, 0)
  return buffer.subarray(0, bytesRead)
}
