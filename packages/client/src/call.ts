import type { Endpoint } from '@postern/contract/endpoints'
import { authorization } from './credentials.ts'
import { ApiError, ConnectionError, readRefusal } from './errors.ts'
import { readEvents } from './events.ts'
import type { ClientOptions } from './index.ts'
import type { CallInput, ClientOutput } from './input.ts'
import { requestOf } from './request.ts'

export interface CallOptions {
  /** Ends the call, and a stream. */
  readonly signal?: AbortSignal
}

type Caller = <E extends Endpoint>(endpoint: E, input: CallInput<E>, options?: CallOptions) => Promise<ClientOutput<E>>

export function createCaller({
  url,
  credentials,
  timeoutMs = 60_000,
  maxAnswerBytes = 64 * 1024 * 1024,
  fetch = globalThis.fetch,
}: ClientOptions): Caller {
  const base = String(url).replace(/\/+$/, '')
  return async (endpoint, input, { signal } = {}) => {
    const { method, target, contentType, body } = requestOf(endpoint, input as Readonly<Record<string, unknown>>)
    const isOpen = endpoint.access === 'anonymous' || endpoint.access === 'public'
    const headers: Record<string, string> = {
      Accept: endpoint.output.kind === 'events' ? 'text/event-stream' : '*/*',
      ...(contentType !== undefined && { 'Content-Type': contentType }),
      ...(credentials !== undefined && !isOpen && { Authorization: await authorization(credentials) }),
    }
    // A stream lasts as long as somebody listens; only its beginning is waited for.
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const signals = AbortSignal.any([patience.signal, ...(signal === undefined ? [] : [signal])])
    try {
      const answer = await fetch(base + target, {
        method,
        headers,
        redirect: 'error',
        signal: signals,
        ...(body !== undefined && { body }),
      })
      if (answer.ok && endpoint.output.kind === 'events') return streamOf(answer) as never
      return decode(endpoint, answer, await readWhole(answer, maxAnswerBytes)) as never
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ApiError || error instanceof ConnectionError) throw error
      throw new ConnectionError(`${base} does not answer: ${reasonOf(error)}`, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }
}

function decode({ output }: Endpoint, answer: Response, bytes: Uint8Array): unknown {
  const text = (): string => new TextDecoder().decode(bytes)
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(answer.headers.get('Content-Type') ?? '')
  const body = isJson ? parse(text()) : undefined
  // Data that have a member `error` are no error.
  const mayRefuse = !answer.ok || output.kind === 'data'
  const refusal = mayRefuse ? readRefusal(answer.status, body, answer.headers.get('Retry-After')) : undefined
  if (refusal !== undefined) throw refusal
  if (output.kind === 'bytes') return bytes
  if (output.kind === 'text' || output.kind === 'page') return text()
  if (!isJson) throw new ConnectionError('The answer is no JSON; is this the address of the server?')
  if (output.kind === 'json') return body
  if (!(body instanceof Object && 'data' in body)) throw new ConnectionError('The answer is not one of this API.')
  return body.data
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConnectionError('The answer is broken JSON.', { cause: error })
  }
}

async function readWhole(answer: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.length
    // Leaving the loop cancels the body.
    if (length > maxBytes) throw new ConnectionError(`The answer is longer than ${maxBytes} bytes.`)
    parts.push(part)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

async function* streamOf(answer: Response): AsyncGenerator<unknown> {
  if (answer.body !== null) yield* readEvents(answer.body)
}

function reasonOf(error: unknown): string {
  // Node tells the reason of a failed fetch in its cause.
  const { cause, message } = error as { readonly cause?: { readonly message?: string }; readonly message?: string }
  return cause?.message || message || String(error)
}
