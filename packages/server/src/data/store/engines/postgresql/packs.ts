// Contents of commands that wait: appended together, one sync for all, before their transactions begin.
import { hashOf } from '../../packs/layout.ts'
import { openPackWriter, type Placement } from '../../packs/pack-writer.ts'
import type { Attachment, StoredContent } from '../../store.ts'
import { storageFault } from '../sqlite/faults.ts'

export interface GroupedPacks extends AsyncDisposable {
  /** Resolves when the content is on disk. */
  put(attachment: Exclude<Attachment, StoredContent>): Promise<Placement>
}

interface Waiting {
  readonly attachment: Exclude<Attachment, StoredContent>
  readonly resolve: (placement: Placement) => void
  readonly reject: (reason: unknown) => void
}

export function openGroupedPacks(folder: string): GroupedPacks {
  // Commits of a dead process may still arrive at the server, so rows cannot tell where a pack ends: a new one is begun.
  const packs = openPackWriter(folder, { settledEnds: undefined })
  let waiting: Waiting[] = []
  let working: Promise<void> | undefined

  /** Undefined when the attachment itself is at fault; its sender has been told. */
  function place({ attachment, reject }: Waiting): Placement | undefined {
    try {
      return attachment instanceof Uint8Array
        ? packs.append(attachment, hashOf(attachment))
        : packs.adopt(attachment.path, attachment.size, attachment.hash)
    } catch (error) {
      if (storageFault(error)) throw error
      reject(error)
      return undefined
    }
  }

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        const placed = group.flatMap(item => {
          const placement = place(item)
          return placement ? [{ item, placement }] : []
        })
        await packs.flush()
        packs.settle()
        for (const { item, placement } of placed) item.resolve(placement)
      } catch (error) {
        packs.discard()
        for (const item of group) item.reject(error)
      }
    }
    working = undefined
  }

  return {
    put: attachment =>
      new Promise((resolve, reject) => {
        waiting.push({ attachment, resolve, reject })
        working ??= work()
      }),
    async [Symbol.asyncDispose]() {
      await working
      packs[Symbol.dispose]()
    },
  }
}
