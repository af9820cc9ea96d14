import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface ToolRun {
  readonly code: number
  readonly output: string
}

/** Runs a program to its end; what it prints on both streams comes back. Given up after 60 s. */
export function runTool(
  program: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, timeout: 60_000 })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, output }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** Whether a test without this program may say that it skips; on CI every program must be there. */
export function missing(program: string): string | false {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  const isThere = folders.some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return isThere || process.env['CI'] === 'true' ? false : `needs the program ${program}`
}
