// What PostgreSQL's error codes mean for a command. https://www.postgresql.org/docs/current/errcodes-appendix.html
import { failure } from '@postern/contract'
import type { Trace } from '#base/trace'
import { Refusal } from '../../refusal.ts'
import { storageFault } from '../sqlite/faults.ts'

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Serialization failure or deadlock: the same command succeeds when repeated. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

/** Two commands inserted the same key at once. Repeated, the command sees the other's row; if not, the fault is its own. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505'
}

const socketErrors: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'ENOENT',
])

/** The error to reject with: the engine's trouble becomes a declared failure, anything else stays what it is. */
export function declared(error: unknown, trace: Trace): unknown {
  if (error instanceof Refusal) return failure(error.code, error.details as Record<string, never>)
  const code = codeOf(error)
  const onDisk = storageFault(error)
  const isFull = onDisk?.full === true || code === '53100'
  const isDown =
    onDisk !== undefined ||
    (code !== undefined && (socketErrors.has(code) || /^(08|53|57P|58)/.test(code))) ||
    (error instanceof Error && /^(Connection terminated|timeout exceeded when trying to connect|Client was closed)/.test(error.message))
  if (!isFull && !isDown) return error
  const reason = error instanceof Error ? error.message : String(error)
  trace.emit('store.postgresql-error', { reason })
  return failure(isFull ? 'storageFull' : 'storeUnavailable', { reason })
}
