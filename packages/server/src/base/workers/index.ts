// The CPU pool: threads for work that would hold up an event loop (password hashing, parsing in bulk). A task is an exported
// function of a module; arguments and results are copied. Owns the threads, knows nothing of what they compute.
import type { Tinypool } from 'tinypool'

export interface Workers extends AsyncDisposable {
  /**
   * Runs `exportName` of the module `href` (an `import.meta.resolve`d file URL) with one argument.
   * Rejects with what the task threw, or with RangeError when more than `maxWaiting` tasks wait.
   */
  run<Argument, Result>(href: string, exportName: string, argument: Argument, signal?: AbortSignal): Promise<Result>
}

/** Threads start when there is work and end after a minute without. */
export function createWorkers({ threads, maxWaiting = 10_000 }: { threads: number; maxWaiting?: number }): Workers {
  let opening: Promise<Tinypool> | undefined

  async function open(filename: string): Promise<Tinypool> {
    const { Tinypool } = await import('tinypool')
    return new Tinypool({
      filename,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 60_000,
      maxQueue: maxWaiting,
      runtime: 'worker_threads',
    })
  }

  return {
    async run(href, exportName, argument, signal) {
      const pool = await (opening ??= open(href))
      if (pool.queueSize >= maxWaiting) throw new RangeError(`more than ${maxWaiting} tasks wait for the CPU pool`)
      return pool.run(argument, { filename: href, name: exportName, ...(signal && { signal }) })
    },
    async [Symbol.asyncDispose]() {
      await (await opening)?.destroy()
    },
  }
}
