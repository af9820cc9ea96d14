// Messages on their way in by APPEND: their octets go to the spool as they come, not to memory.
import type { ByteBudget } from '#base/limits'
import type { Blobs } from '#data/blobs'

type Spool = ReturnType<Blobs['spool']>

/** What one complete command brought. */
export interface Batch extends AsyncDisposable {
  readonly literals: readonly Spool[]
  /** Octets put together as one message. */
  join(pieces: readonly Buffer[]): Promise<Spool>
}

export interface Uploads extends AsyncDisposable {
  /** Octets announced for the command so far. */
  readonly announcedBytes: number
  /** A new message of the command; gives what takes its octets. */
  begin(size: number): (chunk: Buffer) => void
  /** Waits until everything handed over is taken; rejects when it could not be. */
  settle(): Promise<void>
  /** Hands the messages over for storing. `serverBusy` when too many are being stored at once. */
  take(): Promise<Batch>
}

/** `budget`: octets of messages that are being stored, all sessions together. */
export function createUploads(blobs: Pick<Blobs, 'spool'>, budget: ByteBudget): Uploads {
  let spools: Spool[] = []
  let announcedBytes = 0
  let last: Promise<void> = Promise.resolve()

  async function dispose(given: readonly Spool[]): Promise<void> {
    for (const spool of given) await spool[Symbol.asyncDispose]()
  }

  return {
    get announcedBytes() {
      return announcedBytes
    },
    begin(size) {
      const spool = blobs.spool()
      spools.push(spool)
      announcedBytes += size
      return chunk => {
        last = last.then(() => spool.write(chunk))
        // Whoever settles hears of it.
        last.catch(() => {})
      }
    },
    settle: () => last,
    async take() {
      await last
      const literals = spools
      const joined: Spool[] = []
      const size = announcedBytes
      budget.take(size)
      spools = []
      announcedBytes = 0
      return {
        literals,
        async join(pieces) {
          const whole = blobs.spool()
          joined.push(whole)
          for (const piece of pieces) await whole.write(piece)
          return whole
        },
        async [Symbol.asyncDispose]() {
          budget.release(size)
          await dispose([...literals, ...joined])
        },
      }
    },
    async [Symbol.asyncDispose]() {
      const left = spools
      spools = []
      announcedBytes = 0
      await last.catch(() => {})
      last = Promise.resolve()
      await dispose(left)
    },
  }
}
