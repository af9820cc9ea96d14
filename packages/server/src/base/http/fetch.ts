/** A request that goes out, with bounds on what may come back. */
export interface FetchOptions {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange. */
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Redirects followed, for requests that carry no credentials. Default 0. */
  readonly maxRedirects?: number
}

export interface FetchedAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * Asks another server. Redirects are not followed unless that is asked for: credentials in the headers were meant for this server alone.
 * Rejects when it does not answer in time, or says more than `maxBytes`.
 */
export async function fetchBounded(
  url: string,
  { method, headers, body, timeoutMs, maxBytes, maxRedirects = 0 }: FetchOptions,
): Promise<FetchedAnswer> {
  const signal = AbortSignal.timeout(timeoutMs)
  const ask = (target: string): Promise<Response> =>
    fetch(target, { method, headers, redirect: 'manual', signal, ...(body !== undefined && { body }) })
  let response = await ask(url)
  for (let left = maxRedirects; left > 0; left--) {
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || location === null) break
    await response.body?.cancel()
    const target = new URL(location, response.url)
    // Never from TLS to plain text.
    if (target.protocol !== 'https:' && target.protocol !== new URL(response.url).protocol) throw new Error('a redirect gives up TLS')
    response = await ask(target.href)
  }
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return { status: response.status, body: Buffer.concat(parts) }
}
