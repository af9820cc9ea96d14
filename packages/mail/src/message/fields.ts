import { formatAddress, type Mailbox, splitAddress } from '#address'
import { encodeWords, months, percentEncoded, twoDigits } from '#text'

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

/** RFC 5322 §3.3: `Mon, 6 Jan 2025 10:00:00 +0000`. Time in Unix milliseconds, offset in minutes east of UTC. */
export function formatDate(time: number, offsetMinutes = 0): string {
  const local = new Date(time + offsetMinutes * 60_000)
  const offset = Math.abs(offsetMinutes)
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(offset / 60))}${twoDigits(offset % 60)}`
  const clock = `${twoDigits(local.getUTCHours())}:${twoDigits(local.getUTCMinutes())}:${twoDigits(local.getUTCSeconds())}`
  return `${days[local.getUTCDay()]}, ${local.getUTCDate()} ${months[local.getUTCMonth()]} ${String(local.getUTCFullYear()).padStart(4, '0')} ${clock} ${zone}`
}

/** RFC 5322 §2.1.1. */
const softLimit = 78
const hardLimit = 998

/**
 * A field from words that may be separated by a line break: folded at 78 octets where it can be. A word longer than a line goes on a line
 * of its own, cut only above the 998 octets no line may exceed. Control characters become blanks.
 */
export function formatField(name: string, words: readonly string[]): string {
  let out = `${name}:`
  let length = out.length
  let isFirst = true
  for (const raw of words) {
    for (const word of cutWord(raw.replace(/[\u0000-\u001f\u007f]+/g, ' '))) {
      const size = Buffer.byteLength(word)
      if (!isFirst && length + 1 + size > softLimit) {
        out += `\r\n ${word}`
        length = 1 + size
      } else {
        out += ` ${word}`
        length += 1 + size
      }
      isFirst = false
    }
  }
  return `${out}\r\n`
}

function cutWord(word: string): string[] {
  if (Buffer.byteLength(word) <= hardLimit - softLimit) return [word]
  const pieces: string[] = []
  let piece = ''
  for (const char of word) {
    if (Buffer.byteLength(piece) + Buffer.byteLength(char) > hardLimit - softLimit) {
      pieces.push(piece)
      piece = ''
    }
    piece += char
  }
  pieces.push(piece)
  return pieces
}

const printable = /^[\x20-\x7e]*$/

/** Unstructured text (Subject, Comments): encoded words where it is not plain ASCII, UTF-8 as it is when `utf8` (RFC 6532). */
export function formatTextField(name: string, text: string, options: { readonly utf8?: boolean } = {}): string {
  const plain = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
  const asIs = !plain.includes('=?') && (options.utf8 === true || printable.test(plain))
  return formatField(name, asIs ? plain.split(/ (?=[^ ])/) : encodeWords(plain, 75 - name.length - 2))
}

function formatPhrase(name: string, utf8: boolean): string[] {
  if (!utf8 && !printable.test(name)) return encodeWords(name, 60)
  // RFC 2047 §5: inside quotes an encoded word means nothing, but readers decode it all the same.
  if (name.includes('=?')) return encodeWords(name, 60)
  if (/^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ \u0080-\u{10ffff}]+$/u.test(name) && !/^ | $| {2}/.test(name)) return name.split(' ')
  return [`"${name.replace(/[\u0000-\u001f\u007f]+/g, ' ').replace(/["\\]/g, '\\$&')}"`]
}

/** A list of mailboxes (From, To, Reply-To, …); names in encoded words unless `utf8`. */
export function formatAddressField(name: string, mailboxes: readonly Mailbox[], options: { readonly utf8?: boolean } = {}): string {
  const words = mailboxes.flatMap((mailbox, index) => {
    const { local, domain } = splitAddress(mailbox.address)
    const plain = local.startsWith('"') || domain === '' ? mailbox.address : formatAddress(local, domain)
    const comma = index === mailboxes.length - 1 ? '' : ','
    if (mailbox.name === null || mailbox.name === '') return [`${plain}${comma}`]
    return [...formatPhrase(mailbox.name, options.utf8 === true), `<${plain}>${comma}`]
  })
  return formatField(name, words)
}

const token = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$/

/** Longest piece of a parameter value on one line. */
const maxPiece = 60

function extendedParameter(name: string, value: string): string[] {
  const encoded = percentEncoded(value)
  if (encoded.length <= maxPiece) return [`${name}*=utf-8''${encoded}`]
  // RFC 2231 §3: in pieces, none of which cuts an escape.
  const pieces = encoded.match(new RegExp(`(?:%..|[^%]){1,${maxPiece / 3}}`, 'g')) ?? []
  return pieces.map((piece, index) => `${name}*${index}*=${index === 0 ? "utf-8''" : ''}${piece}`)
}

function plainParameter(name: string, value: string): string {
  return `${name}=${token.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`
}

function asciiFallback(value: string): string {
  return value
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '_')
}

/**
 * Parameters of Content-Type and Content-Disposition as words for `formatField`, each ended by a semicolon but the last. What is not plain
 * ASCII goes out in the RFC 2231 form; names of files also in an ASCII one for programs that do not know it.
 */
export function parameterWords(parameters: readonly (readonly [string, string])[]): string[] {
  const words = parameters.flatMap(([name, raw]) => {
    const value = raw.replace(/[\u0000-\u001f\u007f]+/g, ' ')
    if (printable.test(value) && value.length <= maxPiece) return [plainParameter(name, value)]
    const fallback = name === 'filename' || name === 'name' ? [plainParameter(name, asciiFallback(value).slice(0, maxPiece))] : []
    return [...fallback, ...extendedParameter(name, value)]
  })
  return words.map((word, index) => (index === words.length - 1 ? word : `${word};`))
}
