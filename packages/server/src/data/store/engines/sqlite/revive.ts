// Errors on the client's side of the thread border.
import { type ErrorCode, failure } from '@postern/contract'
import type { Trace } from '#base/trace'
import type { CarriedError } from './messages.ts'

/** The error to reject with. Storage trouble is traced here, once, with what the engine said; callers only learn the declared code. */
export function revive(error: CarriedError, trace: Trace): Error {
  switch (error.kind) {
    case 'failure':
      return failure(error.code as ErrorCode, error.details as Record<string, never>)
    case 'storage':
      trace.emit('store.sqlite-error', { reason: error.reason })
      return failure(error.full ? 'storageFull' : 'storeUnavailable', { reason: error.reason })
    case 'defect': {
      const defect = new Error(error.message)
      if (error.stack !== undefined) defect.stack = error.stack
      return defect
    }
  }
}
