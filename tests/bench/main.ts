// `npm run bench [scenario …] [-- --profile FOLDER] [--only TEXT]`: measures a server of its own on loopback and prints one line per
// figure. Nothing here passes or fails. With `--profile` the server leaves a CPU profile of each of its threads in the folder.

import { parseArgs } from 'node:util'
import { startServerProcess } from '@postern/testkit'
import { idle } from './idle.ts'
import { imapFlags } from './imap-flags.ts'
import { inbound } from './inbound.ts'
import { principals } from './principals.ts'
import { startUp } from './start-up.ts'
import { tokens } from './tokens.ts'

const scenarios = { 'start-up': startUp, inbound, idle, 'imap-flags': imapFlags, principals, tokens } as const

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'string' }, only: { type: 'string' } },
})
const flags = values.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', values.profile]
const parts: Parts = {
  start: options => startServerProcess({ ...options, flags }),
  only: name => values.only === undefined || name.includes(values.only),
}
for (const [name, run] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`# ${name}`)
  for await (const { what, value, unit } of run(parts))
    console.log(`${what.padEnd(52)} ${value.toFixed(value < 100 ? 2 : 0).padStart(10)} ${unit}`)
}

/** What a scenario gets. */
export interface Parts {
  readonly start: typeof startServerProcess
  /** Whether a part of the scenario is wanted. */
  readonly only: (name: string) => boolean
}

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
}
