// The program: `run` with what the operating system gives.
import { runCommandLine } from './index.ts'
import { processTerminal } from './terminal.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal())
