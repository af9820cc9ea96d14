/** Longest frame of a stream. */
const maxFrameLength = 4 * 1024 * 1024

/** Frames of an event stream (WHATWG HTML §9.2.6); comments, ids and reconnection times are passed over. */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true })
    for (;;) {
      const end = /\r\n\r\n|\n\n|\r\r/.exec(rest)
      if (end === null) break
      const frame = readFrame(rest.slice(0, end.index))
      rest = rest.slice(end.index + end[0].length)
      if (frame !== undefined) yield frame
    }
    if (rest.length > maxFrameLength) throw new RangeError(`a frame of the stream is longer than ${maxFrameLength} characters`)
  }
}

function readFrame(text: string): { readonly event: string; readonly data: unknown } | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of text.split(/\r\n|\n|\r/)) {
    const found = /^(event|data)(?:: ?|$)([\s\S]*)$/.exec(line)
    if (found?.[1] === 'event') event = found[2] ?? ''
    else if (found?.[1] === 'data') data.push(found[2] ?? '')
  }
  return data.length === 0 ? undefined : { event, data: JSON.parse(data.join('\n')) }
}
