import { type Option, UsageError } from './command.ts'
import type { Terminal } from './terminal.ts'

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}
const durationUnits: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }

/** Decodes the text of an option. Throws UsageError. */
export async function readValue(option: Option, text: string, terminal: Terminal): Promise<unknown> {
  const { name, kind, choices } = option
  if (choices !== undefined && !choices.includes(text)) throw new UsageError(`--${name} is one of ${choices.join(', ')}`)
  switch (kind) {
    case 'text':
    case 'flag':
      return text
    case 'number':
      return natural(name, text)
    case 'size':
      return size(name, text)
    case 'time':
      return time(name, text, terminal.now())
    case 'file':
      return readBytes(text, terminal)
    case 'json':
      return parseJson(name, await textOrFile(text, terminal))
  }
}

/** Bytes of a file, or of the input for `-`. */
export function readBytes(path: string, terminal: Terminal): Promise<Uint8Array> {
  return path === '-' ? terminal.readInput() : terminal.readFile(path)
}

function natural(name: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new UsageError(`--${name} is a number from zero up`)
  return value
}

function size(name: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? []
  const value = Number(digits) * (sizeUnits[unit.toLowerCase()] ?? Number.NaN)
  if (digits === '' || !Number.isSafeInteger(Math.round(value)))
    throw new UsageError(`--${name} is a size such as 500mb, 5gb or 1073741824`)
  return Math.round(value)
}

/** Unix milliseconds. */
function time(name: string, text: string, now: number): number {
  const [, digits, unit = ''] = /^\+?(\d+)([smhd])$/.exec(text) ?? []
  const value = digits === undefined ? Date.parse(text) : now + Number(digits) * (durationUnits[unit] ?? Number.NaN)
  if (Number.isNaN(value)) throw new UsageError(`--${name} is a time such as 2027-01-31T08:00:00Z, or a duration from now such as 2h`)
  return value
}

async function textOrFile(text: string, terminal: Terminal): Promise<string> {
  if (text !== '-' && !text.startsWith('@')) return text
  return new TextDecoder().decode(await readBytes(text === '-' ? text : text.slice(1), terminal))
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--${name} is no JSON: ${(error as Error).message}`)
  }
}
