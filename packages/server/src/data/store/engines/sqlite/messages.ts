// What the writer thread and its clients say to each other.
import type { MessagePort } from 'node:worker_threads'
import type { News } from '../../command.ts'
import type { Attached } from '../../store.ts'

export interface WriterData {
  readonly folder: string
  readonly file: string
  readonly lockFile: string
  /** Module URLs with further `commands`, for tests. */
  readonly commandModules: readonly string[]
}

/** Something that is answered. */
export type Request =
  | { readonly kind: 'write'; readonly id: number; readonly name: string; readonly args: unknown; readonly attached: Attached }
  | { readonly kind: 'tidy'; readonly id: number }

export type ToWriter =
  | Request
  /** In the order they were made. */
  | { readonly kind: 'several'; readonly requests: readonly Request[] }
  /** Another thread wants to write. */
  | { readonly kind: 'join'; readonly port: MessagePort }
  | { readonly kind: 'close' }

/** An error that crossed threads. */
export type CarriedError =
  | { readonly kind: 'failure'; readonly code: string; readonly details: unknown }
  | { readonly kind: 'storage'; readonly full: boolean; readonly reason: string }
  | { readonly kind: 'defect'; readonly message: string; readonly stack: string | undefined }

export type Outcome = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: CarriedError }

export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly error: CarriedError }
  /** One group: what became of its commands, and what they announced. */
  | {
      readonly kind: 'group'
      readonly outcomes: readonly Outcome[]
      readonly news: readonly News[]
      readonly elapsedMs: number
      readonly commands: number
    }
