/** A request that goes out, with bounds on what may come back. */
export interface FetchOptions {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange. */
  readonly timeoutMs: number
  readonly maxBytes: number
}

export interface FetchedAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * Asks another server. Redirects are not followed: credentials in the headers were meant for this server alone. Rejects when it does not
 * answer in time, or says more than `maxBytes`.
 */
export async function fetchBounded(url: string, { method, headers, body, timeoutMs, maxBytes }: FetchOptions): Promise<FetchedAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body }),
  })
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return { status: response.status, body: Buffer.concat(parts) }
}
