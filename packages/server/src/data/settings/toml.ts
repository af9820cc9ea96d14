// The settings file's dialect of TOML: a flat map of dotted keys to texts. It differs from real TOML in ways that installed
// files rely on (bare values such as `30d`, sets, array-of-table counters), so no general parser can read it.

/** `message` says what is wrong, `line` (1-based) where. */
export class SettingsFileError extends Error {
  readonly line: number
  constructor(message: string, line: number) {
    super(`line ${line}: ${message}`)
    this.line = line
  }
}

const maxNesting = 10
const maxBytes = 16 * 1024 * 1024

/** Reads a settings file into key → value; throws SettingsFileError. */
export function parseSettingsFile(text: string): Map<string, string> {
  if (text.length > maxBytes) throw new SettingsFileError(`the file is larger than ${maxBytes} bytes`, 1)
  return new FileReader(text).read()
}

class FileReader {
  private readonly text: string
  private position = 0
  private readonly values = new Map<string, string>()
  private prefix = ''
  private arrayName = ''
  private arrayIndex = 0

  constructor(text: string) {
    this.text = text
  }

  read(): Map<string, string> {
    for (;;) {
      this.skipBlank(true)
      const char = this.peek()
      if (char === '') return this.values
      if (char === '[') this.readHeader()
      else {
        const key = this.prefix + this.readKey()
        this.expect('=')
        this.readValue(key, 0)
      }
      this.endLine()
    }
  }

  private readHeader(): void {
    this.position++
    const isArray = this.peek() === '['
    if (isArray) this.position++
    let name = ''
    for (;;) {
      const char = this.peek()
      if (char === ']') break
      if (char === '"' || char === "'") name += this.readString()
      else if (/[A-Za-z0-9._-]/.test(char)) {
        name += char.toLowerCase()
        this.position++
      } else if (char === ' ' || char === '\t') this.position++
      else this.fail(char === '' ? 'the table header is not closed' : `'${char}' can't stand in a table header`)
    }
    this.position++
    if (isArray) this.expectDirectly(']')
    if (name === '') this.fail('the table header is empty')
    if (!isArray) {
      this.prefix = `${name}.`
      return
    }
    this.arrayIndex = name === this.arrayName ? this.arrayIndex + 1 : 0
    this.arrayName = name
    this.prefix = `${name}.${paddedIndex(this.arrayIndex)}.`
  }

  private readKey(): string {
    let key = ''
    for (;;) {
      const char = this.peek()
      if (char === '"' || char === "'") key += this.readString()
      else if (/[A-Za-z0-9._-]/.test(char)) {
        key += char
        this.position++
      } else break
    }
    if (key === '') this.fail(this.peek() === '' ? 'a key is missing' : `'${this.peek()}' can't start a key`)
    this.skipBlank(false)
    return key
  }

  private readValue(key: string, depth: number): void {
    if (depth > maxNesting) this.fail(`values nest deeper than ${maxNesting} levels`)
    this.skipBlank(false)
    const char = this.peek()
    if (char === '[') this.readArray(key, depth)
    else if (char === '{') this.readInlineTable(key, depth)
    else if (char === '"' || char === "'") this.store(key, this.readString())
    else this.store(key, this.readBare())
  }

  private readArray(key: string, depth: number): void {
    this.position++
    for (let index = 0; ; index++) {
      this.skipBlank(true)
      if (this.peek() === ']') break
      this.readValue(`${key}.${paddedIndex(index)}`, depth + 1)
      this.skipBlank(true)
      if (this.peek() === ',') this.position++
      else if (this.peek() !== ']') this.fail("the array lacks a ',' or ']'")
    }
    this.position++
  }

  private readInlineTable(key: string, depth: number): void {
    this.position++
    for (;;) {
      this.skipBlank(true)
      if (this.peek() === '}') break
      const member = this.readKey()
      this.skipBlank(true)
      if (this.peek() === '=') {
        this.position++
        this.readValue(`${key}.${member}`, depth + 1)
        this.skipBlank(true)
      } else this.store(`${key}.${member}`, '')
      if (this.peek() === ',') this.position++
      else if (this.peek() !== '}') this.fail("the inline table lacks a ',' or '}'")
    }
    this.position++
  }

  private readString(): string {
    const quote = this.peek()
    const triple = quote.repeat(3)
    if (this.text.startsWith(triple, this.position)) return this.readRaw(triple)
    const startedAt = this.position
    this.position++
    let text = ''
    for (;;) {
      const char = this.peek()
      if (char === '' || char === '\n') {
        this.position = startedAt
        this.fail('the text is not closed on its line')
      }
      this.position++
      if (char === quote) return text
      if (char !== '\\') text += char
      else {
        const escaped = this.peek()
        this.position++
        text += { t: '\t', r: '\r', n: '\n' }[escaped] ?? escaped
      }
    }
  }

  private readRaw(triple: string): string {
    const end = this.text.indexOf(triple, this.position + 3)
    if (end < 0) this.fail('the multi-line text is not closed')
    let start = this.position + 3
    if (this.text.startsWith('\r\n', start)) start += 2
    else if (this.text[start] === '\n') start++
    this.position = end + 3
    return this.text.slice(start, end)
  }

  private readBare(): string {
    const start = this.position
    while (/[A-Za-z0-9.+-]/.test(this.peek())) this.position++
    if (this.position === start) this.fail('a value is missing')
    return this.text.slice(start, this.position)
  }

  private store(key: string, value: string): void {
    if (this.values.has(key)) this.fail(`the key ${key} is given twice`)
    this.values.set(key, value)
  }

  private endLine(): void {
    this.skipBlank(false)
    const char = this.peek()
    if (char === '#') this.skipBlank(true)
    else if (char !== '' && char !== '\n') this.fail(`'${char}' after the end of the value`)
  }

  private skipBlank(acrossLines: boolean): void {
    for (;;) {
      const char = this.peek()
      if (char === ' ' || char === '\t' || char === '\r' || (acrossLines && char === '\n')) this.position++
      else if (acrossLines && char === '#') {
        const end = this.text.indexOf('\n', this.position)
        this.position = end < 0 ? this.text.length : end
      } else return
    }
  }

  private expect(char: string): void {
    this.skipBlank(false)
    this.expectDirectly(char)
  }

  private expectDirectly(char: string): void {
    if (this.peek() !== char) this.fail(`'${char}' expected`)
    this.position++
  }

  private peek(): string {
    return this.text[this.position] ?? ''
  }

  private fail(message: string): never {
    let line = 1
    for (let i = 0; i < this.position; i++) if (this.text[i] === '\n') line++
    throw new SettingsFileError(message, line)
  }
}

function paddedIndex(index: number): string {
  return String(index).padStart(4, '0')
}

/** Writes key → value as one sorted `key = value` line each; `parseSettingsFile` reads back exactly the same map. */
export function formatSettingsFile(values: ReadonlyMap<string, string>): string {
  const keys = [...values.keys()].sort(byBytes)
  return keys.map(key => `${formatKey(key)} = ${formatValue(values.get(key) ?? '')}\n`).join('')
}

function formatKey(key: string): string {
  return /^[A-Za-z0-9._-]+$/.test(key) ? key : `"${escapeText(key)}"`
}

function formatValue(value: string): string {
  if (/^(true|false|-?\d+(\.\d+)?)$/.test(value)) return value
  const wantsRaw = value.includes('\n') || (value.length > 50 && /["\\]/.test(value))
  // A value that holds or ends with the closing quotes would end the raw form early.
  const fitsRaw = !value.includes("'''") && !value.endsWith("'") && !/^\r?\n/.test(value)
  return wantsRaw && fitsRaw ? `'''${value}'''` : `"${escapeText(value)}"`
}

function escapeText(text: string): string {
  return text.replace(/[\\"\n\r\t]/g, char => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[char] ?? `\\${char}`)
}

/** Byte order of UTF-8, which settings are kept in. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
