import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPortBase } from '@postern/testkit'
import type { Figure, Parts } from './main.ts'
import { median } from './statistics.ts'

/** From exec to ready, on a data folder that exists; memory of an idle server. */
export async function* startUp({ start }: Parts): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-bench-'))
  // The settings of the first run name its ports.
  const base = await findPortBase()
  const times: number[] = []
  let memory = 0
  for (let run = 0; run < 4; run++) {
    await using server = await start({ folder, base })
    if (run > 0) times.push(server.readyMs)
    if (run === 3) {
      await new Promise(resolve => setTimeout(resolve, 5000))
      memory = await server.memoryMiB()
    }
  }
  await rm(folder, { recursive: true })
  yield { what: 'exec to ready', value: median(times), unit: 'ms' }
  yield { what: 'idle memory', value: memory, unit: 'MiB' }
}
