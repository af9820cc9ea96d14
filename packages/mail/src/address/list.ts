import { decodeEncodedWords } from '#text'

/** One mailbox of an address field. `name` is the display name or, without one, the comment; both as the reader sees them. */
export interface Mailbox {
  readonly name: string | null
  /** `local@domain` as written, comments and blanks removed; empty when only a name was given. */
  readonly address: string
  /** RFC 5322 §4.4 obsolete source route (`@a,@b`), when there was one. */
  readonly route?: string
}

/** A group of an address list; `name` is null for the mailboxes that stand outside of groups. */
export interface AddressGroup {
  readonly name: string | null
  readonly mailboxes: readonly Mailbox[]
}

export interface AddressListOptions {
  /** Decode RFC 2047 words in names (default true); IMAP ENVELOPE wants them as they were sent. */
  readonly decode?: boolean
}

interface Token {
  /** As written, for addresses. */
  readonly raw: string
  /** Unquoted, for names. */
  readonly text: string
  readonly gapBefore: boolean
}

const specials: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n', '(', '"', '<', '>', ',', ';', ':', '['])

/**
 * Reads an address list of RFC 5322 §3.4 with its obsolete forms and the mistakes mailers make: groups, nested comments, quoted names,
 * routes, missing commas behind `>`, bare names, `a@b (Name)`. Input is the unfolded value; never throws, linear in its length.
 * Loose mailboxes that follow each other share one group with name null.
 */
export function parseAddressList(text: string, options: AddressListOptions = {}): AddressGroup[] {
  return new ListReader(text, options.decode ?? true).read()
}

/** All mailboxes of a list that have an address, groups flattened. */
export function parseMailboxes(text: string, options: AddressListOptions = {}): Mailbox[] {
  return parseAddressList(text, options).flatMap(group => group.mailboxes.filter(mailbox => mailbox.address !== ''))
}

class ListReader {
  readonly #text: string
  readonly #decode: boolean
  readonly #groups: { name: string | null; mailboxes: Mailbox[] }[] = []
  #position = 0
  #tokens: Token[] = []
  #comments: string[] = []
  #gap = false
  #hasAt = false
  #unclosedComment = false
  #unclosedQuote = false
  #open: { name: string | null; mailboxes: Mailbox[] } | null = null
  /** The mailbox just closed by `>`; a comment behind it may still name it. */
  #closed: { mailboxes: Mailbox[]; index: number } | null = null

  constructor(text: string, decode: boolean) {
    this.#text = text
    this.#decode = decode
  }

  read(): AddressGroup[] {
    const text = this.#text
    while (this.#position < text.length) {
      const char = text[this.#position] ?? ''
      switch (char) {
        case ' ':
        case '\t':
        case '\r':
        case '\n':
          this.#gap = true
          this.#position++
          break
        case '(': {
          const comment = this.#comment()
          if (comment === null) this.#atom()
          else {
            this.#comments.push(comment)
            this.#gap = true
          }
          break
        }
        case '>':
          this.#position++
          break
        case '"':
          this.#quoted()
          break
        case '<':
          this.#angle()
          break
        case '[':
          this.#literal()
          break
        case ',':
          this.#position++
          this.#finish()
          break
        case ';':
          this.#position++
          this.#finish()
          this.#open = null
          break
        case ':':
          this.#colon()
          break
        default:
          this.#atom()
      }
    }
    this.#finish()
    return this.#groups
  }

  #push(raw: string, text: string): void {
    this.#tokens.push({ raw, text, gapBefore: this.#gap })
    this.#gap = false
  }

  #atom(): void {
    const text = this.#text
    const start = this.#position
    let end = start
    if (text.startsWith('=?', start)) {
      // An encoded word may hold commas and parentheses although it must not.
      const word = /^=\?[^?\s]{1,64}\?[bqBQ]\?[^?"<>]{0,500}\?=/.exec(text.slice(start, start + 600))
      if (word !== null) end = start + word[0].length
    }
    if (end === start) {
      while (end < text.length && !specials.has(text[end] ?? '')) end++
      if (end === start) end = start + 1
    }
    const raw = text.slice(start, end)
    if (raw.includes('@')) this.#hasAt = true
    this.#position = end
    this.#push(raw, raw)
  }

  #literal(): void {
    const close = this.#text.indexOf(']', this.#position)
    const end = close < 0 || close - this.#position > 256 ? this.#position + 1 : close + 1
    const raw = this.#text.slice(this.#position, end)
    this.#position = end
    this.#push(raw, raw)
  }

  #quoted(): void {
    const text = this.#text
    const start = this.#position
    if (this.#unclosedQuote) {
      this.#position++
      return
    }
    let i = start + 1
    let value = ''
    while (i < text.length && text[i] !== '"') {
      if (text[i] === '\\' && i + 1 < text.length) i++
      value += text[i] ?? ''
      i++
    }
    if (i >= text.length) {
      this.#unclosedQuote = true
      this.#position++
      return
    }
    this.#position = i + 1
    this.#push(text.slice(start, i + 1), value)
  }

  /** The text of a comment with its nested ones, escapes removed; moves behind it. Null when it is never closed: then it is no comment. */
  #comment(): string | null {
    if (this.#unclosedComment) return null
    const text = this.#text
    let depth = 0
    let value = ''
    let i = this.#position
    for (; i < text.length; i++) {
      const char = text[i] ?? ''
      if (char === '\\' && i + 1 < text.length) {
        i++
        value += text[i] ?? ''
      } else if (char === '(') {
        if (depth > 0) value += char
        depth++
      } else if (char === ')') {
        depth--
        if (depth === 0) break
        value += char
      } else value += char
    }
    if (i >= text.length) {
      this.#unclosedComment = true
      return null
    }
    this.#position = i + 1
    const comment = value.trim()
    if (this.#closed !== null && this.#tokens.length === 0) this.#nameClosed(comment)
    return comment
  }

  #nameClosed(comment: string): void {
    const closed = this.#closed
    const mailbox = closed?.mailboxes[closed.index]
    if (closed === null || mailbox === undefined || mailbox.name !== null || comment === '') return
    closed.mailboxes[closed.index] = { ...mailbox, name: this.#readable(comment) }
  }

  #colon(): void {
    this.#position++
    if (this.#hasAt || this.#open !== null) {
      this.#push(':', ':')
      return
    }
    const name = this.#name()
    this.#reset()
    this.#open = { name: name ?? '', mailboxes: [] }
    this.#groups.push(this.#open)
  }

  #angle(): void {
    const text = this.#text
    let i = this.#position + 1
    let address = ''
    while (i < text.length && text[i] !== '>') {
      const char = text[i] ?? ''
      if (char === '"') {
        const end = closingQuote(text, i)
        address += text.slice(i, end)
        i = end
      } else if (char === '(' && !this.#unclosedComment) {
        this.#position = i
        i = this.#comment() === null ? i : this.#position
      } else if (char === '<') {
        // `<<a@b>>`, or a second one because the first was never closed.
        address = ''
        i++
      } else if (char === ',' && !address.startsWith('@')) break
      else {
        if (!/\s/.test(char)) address += char
        i++
      }
    }
    while (text[i] === '>') i++
    this.#position = i
    const name = this.#name()
    this.#reset()
    const mailbox = withRoute(name, address)
    if (mailbox.address === '' && mailbox.name === null) return
    this.#emit(mailbox)
    const mailboxes = this.#target()
    this.#closed = { mailboxes, index: mailboxes.length - 1 }
  }

  /** Ends what has been gathered since the last separator. */
  #finish(): void {
    const tokens = this.#tokens
    const afterAngle = this.#closed !== null
    if (tokens.length === 0) {
      this.#reset()
      this.#closed = null
      return
    }
    const words = glue(tokens)
    const addresses = words.filter(word => word.isAddress)
    const [first] = addresses
    if (first === undefined) {
      const name = this.#name()
      // Words behind an angle address belong to nobody.
      if (name !== null && !afterAngle) this.#emit({ name, address: '' })
    } else if (addresses.length === 1) {
      const rest = words.filter(word => word !== first).map(word => word.text)
      const name = rest.length > 0 ? rest.join(' ') : this.#comments.filter(comment => comment !== '').join(' ')
      this.#emit({ name: this.#readable(name), address: first.raw })
    } else {
      for (const word of addresses) this.#emit({ name: null, address: word.raw })
    }
    this.#reset()
    this.#closed = null
  }

  /** The display name in front of an angle address or a colon; comments keep their parentheses there. */
  #name(): string | null {
    let name = ''
    for (const token of this.#tokens) name += (token.gapBefore && name !== '' ? ' ' : '') + token.text
    const comments = this.#comments.filter(comment => comment !== '')
    if (name.trim() === '') return this.#readable(comments.join(' '))
    return this.#readable([name, ...comments.map(comment => `(${comment})`)].join(' '))
  }

  #readable(name: string): string | null {
    const text = (this.#decode ? decodeEncodedWords(name) : name).trim()
    return text === '' ? null : text
  }

  #target(): Mailbox[] {
    if (this.#open !== null) return this.#open.mailboxes
    const last = this.#groups.at(-1)
    if (last !== undefined && last.name === null) return last.mailboxes
    const loose = { name: null, mailboxes: [] }
    this.#groups.push(loose)
    return loose.mailboxes
  }

  #emit(mailbox: Mailbox): void {
    this.#target().push(mailbox)
  }

  #reset(): void {
    this.#tokens = []
    this.#comments = []
    this.#gap = false
    this.#hasAt = false
  }
}

function closingQuote(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

function withRoute(name: string | null, address: string): Mailbox {
  if (!address.startsWith('@')) return { name, address }
  const colon = address.indexOf(':')
  return colon < 0 ? { name, address } : { name, address: address.slice(colon + 1), route: address.slice(0, colon) }
}

interface Word {
  readonly raw: string
  readonly text: string
  readonly isAddress: boolean
}

/** Joins tokens that make one word: no gap between them, or a gap around `@` or inside a dotted name (RFC 5322 §4.4). */
function glue(tokens: readonly Token[]): Word[] {
  const words: Word[] = []
  let raw: string[] = []
  let text: string[] = []
  let hasAt = false
  let last = ''
  const close = (): void => {
    if (raw.length === 0) return
    const whole = raw.join('')
    words.push({ raw: whole, text: text.join(''), isAddress: hasAt && atSign(whole) > 0 })
    raw = []
    text = []
    hasAt = false
  }
  for (const token of tokens) {
    // "a . b @ c . d": only a lone dot joins, so that "John Q. Public" stays a name.
    const joins =
      !token.gapBefore ||
      last === '@' ||
      token.raw.startsWith('@') ||
      token.raw === '.' ||
      (hasAt && (last === '.' || token.raw.startsWith('.'))) ||
      (last === '.' && raw.at(-1) === '.')
    if (!joins) close()
    raw.push(token.raw)
    text.push(token.text)
    hasAt ||= token.raw.includes('@')
    last = token.raw.at(-1) ?? ''
  }
  close()
  return words
}

/** Index of the `@` that separates local part and domain, outside of quotes; −1 without one. */
export function atSign(address: string): number {
  const at = address.lastIndexOf('@')
  if (at < 0 || !address.startsWith('"')) return at
  return address.indexOf('@', closingQuote(address, 0) - 1)
}
