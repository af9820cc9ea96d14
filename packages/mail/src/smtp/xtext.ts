/** RFC 3461 §4 xtext: printable ASCII but `+` and `=` as they are, the rest as `+XX`. Octets of UTF-8. */
export function encodeXtext(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    out +=
      byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d
        ? String.fromCharCode(byte)
        : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

/** Undoes `encodeXtext`; null when it is no xtext. Octets that are not UTF-8 are read as Latin-1. */
export function decodeXtext(text: string): string | null {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x2b) {
      const hex = text.slice(i + 1, i + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null
      bytes.push(Number.parseInt(hex, 16))
      i += 2
    } else if (code <= 0x20 || code >= 0x7f || code === 0x3d) return null
    else bytes.push(code)
  }
  const octets = Buffer.from(bytes)
  const decoded = octets.toString('utf8')
  return decoded.includes('\uFFFD') ? octets.toString('latin1') : decoded
}

/** RFC 6533 §3 utf-8-addr-xtext: ASCII only, other characters and `\`, `+`, `=` as `\x{HEX}`. */
export function encodeUtf8AddressXtext(address: string): string {
  let out = ''
  for (const char of address) {
    const code = char.codePointAt(0) ?? 0
    out += code > 0x20 && code < 0x7f && char !== '\\' && char !== '+' && char !== '=' ? char : `\\x{${code.toString(16).toUpperCase()}}`
  }
  return out
}

/** Undoes utf-8-addr-xtext and utf-8-addr-unitext (raw UTF-8 with the same escapes); null when it is neither. */
export function decodeUtf8Address(text: string): string | null {
  let out = ''
  let position = 0
  for (;;) {
    const start = text.indexOf('\\', position)
    const plain = start < 0 ? text.slice(position) : text.slice(position, start)
    if (/[\u0000-\u0020\u007f+=]/.test(plain)) return null
    out += plain
    if (start < 0) return out
    const match = /^\\x\{([0-9A-Fa-f]{2,6})\}/.exec(text.slice(start, start + 12))
    const code = match === null ? Number.NaN : Number.parseInt(match[1] ?? '', 16)
    if (match === null || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code === 0) return null
    out += String.fromCodePoint(code)
    position = start + match[0].length
  }
}
