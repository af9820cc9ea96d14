// `npm run bench [scenario …]`: measures a server of its own on loopback and prints one line per figure. Nothing here passes or fails.

import { imapFlags } from './imap-flags.ts'
import { inbound } from './inbound.ts'
import { principals } from './principals.ts'
import { startUp } from './start-up.ts'

const scenarios = { 'start-up': startUp, inbound, 'imap-flags': imapFlags, principals } as const

const wanted = process.argv.slice(2)
for (const [name, run] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`# ${name}`)
  for await (const { what, value, unit } of run())
    console.log(`${what.padEnd(52)} ${value.toFixed(value < 100 ? 2 : 0).padStart(10)} ${unit}`)
}

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
}
