// What goes to the writer's thread: everything of one turn of the event loop in one message, and no byte more than is meant.
import type { Attached } from '../../store.ts'
import type { Request, ToWriter } from './messages.ts'

interface Port {
  postMessage(message: ToWriter, transfer: ArrayBuffer[]): void
}

export interface Outbox {
  /** @param onRefused hears of arguments that cannot cross threads */
  send(request: Request, onRefused: (error: Error) => void): void
}

interface Entry {
  readonly request: Request
  readonly transfer: ArrayBuffer[]
  readonly onRefused: (error: Error) => void
}

export function createOutbox(port: Port): Outbox {
  let waiting: Entry[] = []

  function post({ request, transfer, onRefused }: Entry): void {
    try {
      port.postMessage(request, transfer)
    } catch (error) {
      onRefused(error as Error)
    }
  }

  function flush(): void {
    const entries = waiting
    waiting = []
    const [only] = entries
    if (entries.length === 1 && only !== undefined) return post(only)
    try {
      port.postMessage(
        { kind: 'several', requests: entries.map(({ request }) => request) },
        entries.flatMap(({ transfer }) => transfer),
      )
    } catch {
      // One of them spoils it; nothing was sent yet.
      for (const entry of entries) post(entry)
    }
  }

  return {
    send(request, onRefused) {
      const transfer: ArrayBuffer[] = []
      const packed = request.kind === 'write' ? packRequest(request, transfer) : request
      if (waiting.push({ request: packed, transfer, onRefused }) === 1) setImmediate(flush)
    },
  }
}

function packRequest(request: Extract<Request, { readonly kind: 'write' }>, transfer: ArrayBuffer[]): Request {
  return { ...request, args: withOwnBytes(request.args), attached: packAttached(request.attached, transfer) }
}

/** Cloning copies twice, handing over once; but it costs as much as copying a small content. */
const leastHandedOverBytes = 32 * 1024

function packAttached({ blobs, rewritten }: Attached, transfer: ArrayBuffer[]): Attached {
  const handOver = (content: Uint8Array): Uint8Array => {
    if (content.length < leastHandedOverBytes) return ownBytes(content)
    const copy = new Uint8Array(content)
    transfer.push(copy.buffer)
    return copy
  }
  return {
    ...(blobs && { blobs: blobs.map(blob => (blob instanceof Uint8Array ? handOver(blob) : { ...blob, hash: ownBytes(blob.hash) })) }),
    ...(rewritten && { rewritten: rewritten.map(({ content, hash }) => ({ content: handOver(content), hash: ownBytes(hash) })) }),
  }
}

/** Small buffers are views of a shared block of 64 KB, and cloning a view clones the whole block. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

function withOwnBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return ownBytes(value)
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value
  const given = value as Record<string, unknown>
  let packed = given
  for (const key in given) {
    const member = given[key]
    if (typeof member !== 'object') continue
    const own = withOwnBytes(member)
    if (own === member) continue
    if (packed === given) packed = (Array.isArray(given) ? [...given] : { ...given }) as Record<string, unknown>
    packed[key] = own
  }
  return packed
}
