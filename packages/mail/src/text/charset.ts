import { isAscii, isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'

/** Text from bytes; `problem` says that the label was unknown or some bytes did not fit it (RFC 8621 §4.1.4 isEncodingProblem). */
export interface DecodedText {
  readonly text: string
  readonly problem: boolean
}

type Decode = (bytes: Buffer) => string

// Labels that mail uses and the Encoding Standard lacks or means otherwise. A value is what TextDecoder calls it, or one of the prefixed kinds.
const aliases: Readonly<Record<string, string>> = {
  utf8: 'utf-8',
  'utf-8-strict': 'utf-8',
  'unicode-1-1-utf-8': 'utf-8',
  'unicode-2-0-utf-8': 'utf-8',
  'utf-7': 'iconv:utf-7',
  utf7: 'iconv:utf-7',
  'unicode-1-1-utf-7': 'iconv:utf-7',
  csunicode11utf7: 'iconv:utf-7',
  'utf-7-imap': 'iconv:utf-7-imap',
  'utf-16': 'own:utf-16',
  utf16: 'own:utf-16',
  'ucs-2': 'own:utf-16',
  'iso-10646-ucs-2': 'own:utf-16',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  'utf-32': 'iconv:utf-32',
  utf32: 'iconv:utf-32',
  'utf-32le': 'iconv:utf-32le',
  'utf-32be': 'iconv:utf-32be',
  'hz-gb-2312': 'own:hz',
  hz: 'own:hz',
  'iso-2022-kr': 'own:iso-2022-kr',
  csiso2022kr: 'own:iso-2022-kr',
  'x-sjis': 'shift_jis',
  cp932: 'shift_jis',
  ms932: 'shift_jis',
  'windows-932': 'shift_jis',
  eucjp: 'euc-jp',
  'iso-2022-jp': 'own:iso-2022-jp',
  csiso2022jp: 'own:iso-2022-jp',
  'iso-2022-jp-1': 'own:iso-2022-jp',
  'iso-2022-jp-2': 'own:iso-2022-jp',
  'iso-2022-jp-ms': 'own:iso-2022-jp',
  cp50220: 'own:iso-2022-jp',
  cp50221: 'own:iso-2022-jp',
  cp936: 'gbk',
  ms936: 'gbk',
  'windows-936': 'gbk',
  euccn: 'gbk',
  'euc-cn': 'gbk',
  cp949: 'euc-kr',
  ms949: 'euc-kr',
  uhc: 'euc-kr',
  euckr: 'euc-kr',
  cp950: 'big5',
  big5hkscs: 'big5',
  'koi8-ru': 'koi8-u',
  koi8r: 'koi8-r',
  koi8u: 'koi8-u',
  macintosh: 'macintosh',
  'x-macroman': 'macintosh',
  'mac-roman': 'macintosh',
  'x-mac-cyrillic': 'x-mac-cyrillic',
  maccyrillic: 'x-mac-cyrillic',
  tis620: 'tis-620',
  viscii: 'iconv:viscii',
  tcvn: 'iconv:tcvn',
  'armscii-8': 'iconv:armscii8',
  'koi8-t': 'iconv:koi8-t',
  'iso-8859-12': 'windows-1252',
}

// No promise about the bytes at all: UTF-8 when they are, else windows-1252 (what old mailers on Windows send).
const unlabelled: ReadonlySet<string> = new Set([
  '',
  'us-ascii',
  'ascii',
  'ansi-x3.4-1968',
  'ansi-x3.4-1986',
  'iso-646',
  'iso646-us',
  'iso-646.irv:1991',
  'iso-ir-6',
  'cp367',
  'ibm367',
  '646',
  'us',
  'csascii',
])

// Said by mailers that do not know either; counted as unknown labels.
const utf8Decoder = new TextDecoder('utf-8')
const windows1252 = new TextDecoder('windows-1252')

function normalLabel(label: string): string {
  // RFC 2231 §5: a language may follow an asterisk.
  const star = label.indexOf('*')
  return (star < 0 ? label : label.slice(0, star))
    .slice(0, 64)
    .trim()
    .replace(/^["']+|["']+$/g, '')
    .toLowerCase()
    .replaceAll('_', '-')
}

function codePageName(label: string): string | undefined {
  const windows = /^(?:cp|x-cp|win|windows|ms|ansi-)-?(125[0-8]|874)$/.exec(label)
  if (windows !== null) return `windows-${windows[1]}`
  const iso = /^(?:x-)?(?:iso-?8859|8859|iso-ir-8859|latin8859)-?(\d{1,2})(?:-[ie])?(?::\d{4})?$/.exec(label)
  if (iso !== null) return label.endsWith('-i') ? 'iso-8859-8-i' : iso[1] === '11' ? 'windows-874' : `iso-8859-${iso[1]}`
  const dos = /^(?:ibm|cp|dos|x-cp)-?(\d{3,4})$/.exec(label)
  if (dos !== null && iconv.encodingExists(`cp${dos[1]}`)) return `iconv:cp${dos[1]}`
  return undefined
}

function textDecoderFor(label: string): Decode | undefined {
  try {
    const decoder = new TextDecoder(label)
    return bytes => decoder.decode(bytes)
  } catch {
    // TextDecoder throws RangeError for labels it does not know.
    return undefined
  }
}

function decodeUtf16(bytes: Buffer): string {
  // RFC 2781 §4.3: without a mark it is big-endian; text of Western mailers shows its own order by the zero bytes.
  const littleEndian =
    bytes[0] === 0xff && bytes[1] === 0xfe ? true : bytes[0] === 0xfe && bytes[1] === 0xff ? false : bytes[1] === 0 && bytes[0] !== 0
  return new TextDecoder(littleEndian ? 'utf-16le' : 'utf-16be').decode(bytes)
}

/** RFC 1843: `~{` and `~}` switch to and from GB 2312, `~~` is a tilde, `~` before a line end joins lines. */
function decodeHz(bytes: Buffer): string {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let doubleByte = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    const next = bytes[i + 1]
    if (byte === 0x7e && next !== undefined) {
      if (next === 0x7b || next === 0x7d) doubleByte = next === 0x7b
      else if (next === 0x7e) out[length++] = 0x7e
      else if (next !== 0x0a) out[length++] = byte
      if (next === 0x7b || next === 0x7d || next === 0x7e || next === 0x0a) i++
      continue
    }
    if (byte === 0x0a) doubleByte = false
    out[length++] = doubleByte && byte > 0x20 ? byte | 0x80 : byte
  }
  return new TextDecoder('gbk').decode(out.subarray(0, length))
}

/** RFC 1557: SO and SI switch to and from KS X 1001; the designator line `ESC $ ) C` is dropped. */
function decodeIso2022Kr(bytes: Buffer): string {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let korean = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    if (byte === 0x1b && bytes[i + 1] === 0x24 && bytes[i + 2] === 0x29 && bytes[i + 3] === 0x43) i += 3
    else if (byte === 0x0e || byte === 0x0f) korean = byte === 0x0e
    else {
      if (byte === 0x0a) korean = false
      out[length++] = korean && byte > 0x20 ? byte | 0x80 : byte
    }
  }
  return new TextDecoder('euc-kr').decode(out.subarray(0, length))
}

/** The Encoding Standard calls an escape sequence right behind another an error; mailers that join lines write them. */
function decodeIso2022Jp(bytes: Buffer): string {
  const decoder = new TextDecoder('iso-2022-jp')
  if (!bytes.includes('\x1b(B\x1b') && !bytes.includes('\x1b(J\x1b')) return decoder.decode(bytes)
  return decoder.decode(Buffer.from(bytes.toString('latin1').replace(/(?:\x1b\([BJ])+(?=\x1b)/g, ''), 'latin1'))
}

const ownDecoders: Readonly<Record<string, Decode>> = {
  'own:utf-16': decodeUtf16,
  'own:hz': decodeHz,
  'own:iso-2022-kr': decodeIso2022Kr,
  'own:iso-2022-jp': decodeIso2022Jp,
}

function findDecoder(label: string): Decode | undefined {
  const name = aliases[label] ?? codePageName(label) ?? label
  const own = ownDecoders[name]
  if (own !== undefined) return own
  if (name.startsWith('iconv:')) {
    const encoding = name.slice('iconv:'.length)
    return bytes => iconv.decode(bytes, encoding)
  }
  const decoder = textDecoderFor(name)
  if (decoder !== undefined) return decoder
  return iconv.encodingExists(name) ? bytes => iconv.decode(bytes, name) : undefined
}

/** True when `decodeText` knows the label (IMAP SEARCH CHARSET, RFC 9051 §6.4.4). */
export function isKnownCharset(label: string): boolean {
  const normal = normalLabel(label)
  return normal !== '' && (unlabelled.has(normal) || findDecoder(normal) !== undefined)
}

/**
 * Bytes without a trustworthy label: UTF-8 when they are valid UTF-8, else windows-1252. A byte order mark is dropped.
 * Header fields (RFC 6532 §3) and bodies without a charset are read this way.
 */
export function decodeUnlabelled(bytes: Buffer): DecodedText {
  if (isUtf8(bytes)) return { text: isAscii(bytes) ? bytes.toString('latin1') : utf8Decoder.decode(bytes), problem: false }
  return { text: windows1252.decode(bytes), problem: true }
}

/**
 * Decodes text by its charset label (`null` = none given). Never throws: unknown labels are read as `decodeUnlabelled` does and flagged,
 * bytes that do not fit become U+FFFD and are flagged. `iso-8859-1` means windows-1252, as everywhere on the net.
 */
export function decodeText(bytes: Buffer, label: string | null): DecodedText {
  const normal = label === null ? '' : normalLabel(label)
  if (unlabelled.has(normal)) return decodeUnlabelled(bytes)
  if (normal === 'utf-8' || normal === 'utf8') {
    const valid = isUtf8(bytes)
    return { text: utf8Decoder.decode(bytes), problem: !valid }
  }
  const decode = findDecoder(normal)
  if (decode === undefined) return { text: decodeUnlabelled(bytes).text, problem: true }
  const text = decode(bytes)
  return { text, problem: text.includes('\uFFFD') }
}

/** The charset an HTML document names in its first kilobyte (`<meta charset>` or `http-equiv`), for parts without a label. */
export function htmlCharset(bytes: Buffer): string | null {
  const head = bytes.toString('latin1', 0, 1024)
  return /<meta\s[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(head)?.[1] ?? null
}
