// Forms as browsers and programs send them: urlencoded (WHATWG URL §5.1), or multipart (RFC 7578) with texts only.

const maxFields = 100

/**
 * Fields of a form; the last of several with one name wins. A body of any other type is read as urlencoded, as long as it says what
 * type it is. Undefined without a type, and for a multipart body that is broken or has too many fields.
 */
export function parseForm(contentType: string | undefined, body: Buffer): Readonly<Record<string, string>> | undefined {
  const found = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*(?:;(.*))?$/s.exec(contentType ?? '')
  if (found === null) return undefined
  if (found[1]?.toLowerCase() !== 'multipart/form-data') {
    const fields = [...new URLSearchParams(body.toString('utf8'))]
    return fields.length > maxFields ? undefined : Object.fromEntries(fields)
  }
  const boundary = /(?:^|;)\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(found[2] ?? '')
  return boundary === null ? undefined : parseMultipart(body.toString('latin1'), boundary[1] ?? boundary[2] ?? '')
}

/** Works on bytes that are shown as characters. */
function parseMultipart(body: string, boundary: string): Readonly<Record<string, string>> | undefined {
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`)
  const last = parts.pop()
  if (parts.length === 0 || parts.length - 1 > maxFields || last === undefined || !last.startsWith('--')) return undefined
  const fields: Array<[string, string]> = []
  for (const part of parts.slice(1)) {
    const end = part.indexOf('\r\n\r\n')
    const name = /^content-disposition:\s*form-data\s*;(?:[^\r\n]*;)?\s*name="([^"\r\n]*)"/im.exec(part.slice(0, Math.max(0, end)))?.[1]
    if (!/^[ \t]*\r\n/.test(part) || end < 0 || name === undefined) return undefined
    fields.push([utf8(name), utf8(part.slice(end + 4))])
  }
  return Object.fromEntries(fields)
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
