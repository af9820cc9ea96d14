// Tells apart what went wrong: the command itself, the storage below it, or our own code.
import { Refusal } from '../../refusal.ts'
import type { CarriedError } from './messages.ts'

// https://sqlite.org/rescode.html, primary codes: the low byte of an extended code.
const full = 13
const storageCodes: ReadonlySet<number> = new Set([
  5, // BUSY: another process holds the file
  6, // LOCKED
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  full,
  14, // CANTOPEN
  26, // NOTADB
])

const fullErrors: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const storageErrors: ReadonlySet<string> = new Set(['EIO', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'EMFILE', 'ENFILE', 'ENODEV', 'ENOTDIR'])

export function carry(error: unknown): CarriedError {
  if (error instanceof Refusal) return { kind: 'failure', code: error.code, details: error.details }
  const fault = storageFault(error)
  if (fault) return { kind: 'storage', ...fault }
  return error instanceof Error
    ? { kind: 'defect', message: error.message, stack: error.stack }
    : { kind: 'defect', message: String(error), stack: undefined }
}

/** Whether the storage failed, not the command: then the whole group is void. */
export function storageFault(error: unknown): { readonly full: boolean; readonly reason: string } | undefined {
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') {
    const primary = error.errcode & 0xff
    return storageCodes.has(primary) ? { full: primary === full, reason: error.message } : undefined
  }
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') {
    if (fullErrors.has(error.code)) return { full: true, reason: error.message }
    if (storageErrors.has(error.code)) return { full: false, reason: error.message }
  }
  return undefined
}
