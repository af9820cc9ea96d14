/** Runs tasks of one lane one after the other, different lanes side by side. */
export interface Lanes {
  run<Result>(lane: number | string, task: () => Promise<Result>): Promise<Result>
}

export function createLanes(): Lanes {
  const tails = new Map<number | string, Promise<unknown>>()
  return {
    async run(lane, task) {
      const before = tails.get(lane) ?? Promise.resolve()
      const own = before.then(task, task)
      // The next in line starts whatever became of this one.
      const tail = own.catch(() => {})
      tails.set(lane, tail)
      try {
        return await own
      } finally {
        if (tails.get(lane) === tail) tails.delete(lane)
      }
    },
  }
}
