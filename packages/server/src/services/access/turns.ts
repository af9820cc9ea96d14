import { failure } from '@postern/contract'

/** Runs work in its turn; `from` tells whose it is, from the outside in: the address, then the name. */
export type Turns = <T>(from: readonly string[], work: () => Promise<T>) => Promise<T>

/** Of one address; more than these are refused rather than kept. */
const maxWaitingPerSource = 500
/** Lane of what comes from no stranger. */
const ownWork = ''

/**
 * At most `most` things at once. Whoever waits is called in turn by source, and within a source by what comes next in `from`: a
 * thousand that wait at one place delay somebody at another by one turn. Failure `temporaryAuthFailure` when too many wait already.
 */
export function createTurns(most: number): Turns {
  const line = createLine()
  let running = 0
  return async (from, work) => {
    if (running < most) running += 1
    // Whoever is done hands its place over.
    else
      await new Promise<void>((resolve, reject) => {
        if (from[0] !== undefined && line.waiting(from[0]) >= maxWaitingPerSource) reject(failure('temporaryAuthFailure'))
        else line.push(from.length === 0 ? [ownWork] : from, resolve)
      })
    try {
      return await work()
    } finally {
      const next = line.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}

type Waiter = () => void

/** A line of lines: of those that are not empty each gives one in turn. */
interface Line {
  readonly size: number
  waiting(lane: string): number
  push(from: readonly string[], waiter: Waiter): void
  shift(): Waiter | undefined
}

function createLine(): Line {
  const here: Waiter[] = []
  const lanes = new Map<string, Line>()
  let size = 0
  return {
    get size() {
      return size
    },
    waiting: lane => lanes.get(lane)?.size ?? 0,
    push([lane, ...rest], waiter) {
      size += 1
      if (lane === undefined) {
        here.push(waiter)
        return
      }
      const line = lanes.get(lane) ?? createLine()
      lanes.set(lane, line)
      line.push(rest, waiter)
    },
    shift() {
      const [first] = lanes
      const own = first === undefined ? here.shift() : undefined
      if (own !== undefined) size -= 1
      if (first === undefined) return own
      const [lane, line] = first
      const next = line.shift()
      // To the end of the line, behind those that have not had their turn.
      lanes.delete(lane)
      if (line.size > 0) lanes.set(lane, line)
      size -= 1
      return next ?? here.shift()
    },
  }
}
