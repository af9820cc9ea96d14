import type { Clock } from './index.ts'

/** Ids count from here (2021-09-22), as long-lived clients of this API family expect them to. */
const epochMs = 1_632_280_000_000
const nodeBits = 5
const sequenceBits = 7

/**
 * A source of strictly ascending ids below 2^53: 41 bits of milliseconds (good until 2091), 5 of node, 7 of sequence.
 * More than 128 ids in a millisecond borrow from the next one, so ids stay ascending under load and when the clock steps back.
 */
export function createIdSource(clock: Pick<Clock, 'now'>, node = 0): () => number {
  if (!Number.isInteger(node) || node < 0 || node >= 2 ** nodeBits)
    throw new RangeError(`node ${node} is not within 0..${2 ** nodeBits - 1}`)
  let lastMs = 0
  let sequence = 0
  return () => {
    const ms = Math.max(clock.now() - epochMs, lastMs)
    if (ms > lastMs) sequence = 0
    else if (++sequence === 2 ** sequenceBits) {
      sequence = 0
      lastMs++
      return compose(lastMs, node, sequence)
    }
    lastMs = ms
    return compose(ms, node, sequence)
  }
}

/** Unix milliseconds at which an id was made. */
export function idTime(id: number): number {
  return Math.floor(id / 2 ** (nodeBits + sequenceBits)) + epochMs
}

function compose(ms: number, node: number, sequence: number): number {
  return (ms * 2 ** nodeBits + node) * 2 ** sequenceBits + sequence
}
