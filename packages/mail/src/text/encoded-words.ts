import { decodeText, decodeUnlabelled } from './charset.ts'
import { decodeBase64, decodeQuotedPrintable } from './transfer.ts'

interface EncodedWord {
  readonly start: number
  readonly end: number
  readonly charset: string
  readonly bytes: Buffer
}

/** Finds encoded words left to right in linear time: the position of the next `?=` is looked up once and remembered. */
function createWordFinder(text: string): (from: number) => EncodedWord | null {
  let terminator = -2
  function terminatorFrom(index: number): number {
    if (terminator !== -1 && terminator < index) terminator = text.indexOf('?=', index)
    return terminator
  }
  function wordAt(start: number): EncodedWord | null {
    const charsetEnd = text.indexOf('?', start + 2)
    // RFC 2047 §2 caps a word at 75 characters; only the charset needs a bound here.
    if (charsetEnd < 0 || charsetEnd - start > 66 || charsetEnd === start + 2 || text[charsetEnd + 2] !== '?') return null
    const letter = text.charCodeAt(charsetEnd + 1) | 0x20
    if (letter !== 0x71 && letter !== 0x62) return null
    const charset = text.slice(start + 2, charsetEnd)
    if (/[\s"()<>]/.test(charset)) return null
    const end = terminatorFrom(charsetEnd + 3)
    if (end < 0) return null
    const encoded = text.slice(charsetEnd + 3, end)
    // A word that begins inside means this one was never closed.
    if (encoded.includes('=?')) return null
    return { start, end: end + 2, charset, bytes: letter === 0x62 ? decodeB(encoded) : decodeQ(encoded) }
  }
  return from => {
    for (let start = text.indexOf('=?', from); start >= 0; start = text.indexOf('=?', start + 2)) {
      const word = wordAt(start)
      if (word !== null) return word
      if (terminator === -1) return null
    }
    return null
  }
}

function decodeB(encoded: string): Buffer {
  return decodeBase64(Buffer.from(encoded, 'latin1')).bytes
}

function decodeQ(encoded: string): Buffer {
  // Blanks are not allowed in a word but mailers leave them in; a trailing one would be dropped as a line-end blank.
  const source = encoded.replaceAll('_', '=20').replaceAll(' ', '=20')
  return decodeQuotedPrintable(/[^\u0000-\u00ff]/.test(source) ? Buffer.from(source, 'utf8') : Buffer.from(source, 'latin1')).bytes
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code !== 0x20 && code !== 0x09 && code !== 0x0d && code !== 0x0a) return false
  }
  return true
}

/**
 * Replaces RFC 2047 encoded words, also in the middle of a token; what is not well formed stays as it is.
 * Blanks between two words vanish (§6.2), and neighbours of one charset are joined before decoding because mailers split characters.
 */
export function decodeEncodedWords(text: string): string {
  if (!text.includes('=?')) return text
  const next = createWordFinder(text)
  const out: string[] = []
  let done = 0
  let word = next(0)
  while (word !== null) {
    out.push(text.slice(done, word.start))
    const charset = word.charset.toLowerCase()
    const pieces = [word.bytes]
    let end = word.end
    let following = next(end)
    while (following !== null && isBlank(text, end, following.start)) {
      if (following.charset.toLowerCase() !== charset) break
      pieces.push(following.bytes)
      end = following.end
      following = next(end)
    }
    out.push(decodeText(pieces.length === 1 ? word.bytes : Buffer.concat(pieces), charset).text)
    done = following !== null && isBlank(text, end, following.start) ? following.start : end
    word = following
  }
  out.push(text.slice(done))
  return out.join('')
}

/** RFC 5322 §2.2.3: folded lines are joined with one blank; leading and trailing blanks are dropped. */
export function unfold(text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return text.trim()
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', ' ')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .join(' ')
}

/** The bytes of a field's value as unfolded text, encoded words still in place (RFC 6532 §3 UTF-8, else windows-1252). */
export function fieldText(bytes: Buffer): string {
  return unfold(decodeUnlabelled(bytes).text)
}

/** An unstructured field (Subject, Comments, Content-Description) as the reader sees it. */
export function decodeUnstructured(bytes: Buffer): string {
  return decodeEncodedWords(fieldText(bytes))
}

const qPlain = /[A-Za-z0-9!*+\-/]/

function qLength(bytes: Buffer): number {
  let length = 0
  for (const byte of bytes) length += byte === 0x20 || qPlain.test(String.fromCharCode(byte)) ? 1 : 3
  return length
}

function encodeQ(bytes: Buffer): string {
  let out = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    out += byte === 0x20 ? '_' : qPlain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

/**
 * Text as RFC 2047 words in UTF-8, separated by one blank, each at most 75 characters and cut between characters; the shorter of
 * B and Q is taken. Safe in phrases (§5 rule 3). `firstLength` is what the first word may take when it does not start the line.
 */
export function encodeWords(text: string, firstLength = 75): string[] {
  const all = Buffer.from(text, 'utf8')
  const encoding = Math.ceil(all.length / 3) * 4 <= qLength(all) ? 'B' : 'Q'
  const overhead = '=?utf-8?B??='.length
  const words: string[] = []
  let chunk = ''
  let room = Math.max(firstLength, overhead + 12) - overhead
  const lengthOf = (piece: string): number => {
    const bytes = Buffer.from(piece, 'utf8')
    return encoding === 'B' ? Math.ceil(bytes.length / 3) * 4 : qLength(bytes)
  }
  const flush = (): void => {
    const bytes = Buffer.from(chunk, 'utf8')
    words.push(`=?utf-8?${encoding}?${encoding === 'B' ? bytes.toString('base64') : encodeQ(bytes)}?=`)
    chunk = ''
    room = 75 - overhead
  }
  for (const char of text) {
    if (chunk !== '' && lengthOf(chunk + char) > room) flush()
    chunk += char
  }
  if (chunk !== '') flush()
  return words
}

const printableAscii = /^[\x20-\x7e\t]*$/

/** Header text that any client can read: printable ASCII that cannot be taken for an encoded word stays, the rest is encoded. */
export function encodeUnstructured(text: string): string {
  return printableAscii.test(text) && !text.includes('=?') ? text : encodeWords(text).join(' ')
}
