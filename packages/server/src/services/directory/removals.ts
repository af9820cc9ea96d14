// What a principal leaves behind is removed in steps after it is gone. The work orders are rows of the store, so a process that ends in
// the middle leaves nothing undone: the next one takes them up.

import type { Trace } from '#base/trace'
import { openRemovals, removalStep, type Store, takeRemoval } from '#data/store'

export interface Removals {
  /** Works on the open orders in the background, if it does not already. */
  begin(): void
  /** Work that writes further orders in the background; they are taken up when it is done. */
  keep(asking: Promise<void>): void
  /** Resolves when no order is open; rejects when one cannot be carried out now. */
  finish(): Promise<void>
  stop(): void
}

interface Parts {
  readonly store: Store
  readonly trace: Trace
  /** Removes all mail of an account in steps; may be repeated. */
  readonly destroyMail: (accountId: number) => Promise<void>
}

/** Rows of one kind in one step. */
const stepRows = 500
const ordersAtATime = 100

export function createRemovals({ store, trace, destroyMail }: Parts): Removals {
  let underWay: Promise<void> | undefined
  let isStopped = false
  const asked = new Set<Promise<void>>()
  /** Orders came in while it ran. */
  let isAskedAgain = false

  async function work(): Promise<void> {
    do {
      isAskedAgain = false
      for (;;) {
        const orders = await store.read(openRemovals, { limit: ordersAtATime })
        if (orders.length === 0 || isStopped) break
        for (const order of orders) {
          if (isStopped) return
          await carryOut(order)
        }
      }
    } while (isAskedAgain && !isStopped)
  }

  async function carryOut({ id, isGone }: { readonly id: number; readonly isGone: boolean }): Promise<void> {
    if (!isGone) {
      const kept = await store.write(takeRemoval, { id })
      if (kept !== undefined) {
        trace.emit('manage.error', { details: { word: 'A principal was not deleted' }, reason: kept.kept })
        return
      }
    }
    await destroyMail(id)
    while (!(await store.write(removalStep, { id, limit: stepRows })));
  }

  function finish(): Promise<void> {
    isAskedAgain = true
    underWay ??= work().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  function report(error: unknown): void {
    // Housekeeping comes back to it.
    if (!isStopped) trace.emit('store.unexpected-error', { reason: String(error) })
  }

  const begin = (): void => void finish().catch(report)
  return {
    begin,
    keep(asking) {
      const kept = asking.catch(report).then(() => {
        asked.delete(kept)
        begin()
      })
      asked.add(kept)
    },
    async finish() {
      await Promise.all(asked)
      await finish()
    },
    stop() {
      isStopped = true
    },
  }
}
