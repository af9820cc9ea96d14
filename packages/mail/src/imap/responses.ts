import { encodeString } from './encode.ts'
import type { FetchItem } from './fetch.ts'
import type { SearchReturn } from './search.ts'
import type { Section } from './sections.ts'
import { compactSet } from './sets.ts'

/** What is written to the client in order; strings as UTF-8. */
export type Output = (string | Buffer)[]

/** Flags between parentheses. */
export function encodeFlags(flags: readonly string[]): string {
  return `(${flags.join(' ')})`
}

/** Octets as a literal, `~{n}` when they hold NUL and the client may get it (RFC 9051 §4.3.1, RFC 3516). */
export function encodeLiteral(octets: Buffer, allowBinary: boolean): Output {
  const prefix = allowBinary && octets.includes(0) ? '~' : ''
  return octets.length === 0 ? [`${prefix}{0}\r\n`] : [`${prefix}{${octets.length}}\r\n`, octets]
}

/** `BODY[…]` as a response names it: the section, and where a partial one starts. */
export function sectionName(section: Section, start: number | null): string {
  const words = { all: '', header: 'HEADER', fields: 'HEADER.FIELDS', fieldsNot: 'HEADER.FIELDS.NOT', text: 'TEXT', mime: 'MIME' } as const
  const word = words[section.text]
  const path = section.part.join('.')
  const names = section.fields.length === 0 ? '' : ` (${section.fields.map(encodeFieldName).join(' ')})`
  return `BODY[${path}${path !== '' && word !== '' ? '.' : ''}${word}${names}]${start === null ? '' : `<${start}>`}`
}

function encodeFieldName(name: string): string {
  return /^[A-Za-z0-9!#$&'+\-./:;<=>?@^_`|~]+$/.test(name) ? name : encodeString(name)
}

/** The name under which a FETCH response answers an item. */
export function itemName(item: FetchItem): string {
  switch (item.name) {
    case 'BODY[]':
      return sectionName(item.section, item.partial?.start ?? null)
    case 'BINARY[]':
      return `BINARY[${item.part.join('.')}]${item.partial === null ? '' : `<${item.partial.start}>`}`
    case 'BINARY.SIZE[]':
      return `BINARY.SIZE[${item.part.join('.')}]`
    default:
      return item.name
  }
}

/** Builds `* n FETCH (…)` piece by piece without joining the octets of bodies. */
export class FetchResponse {
  readonly #out: Output
  #text: string
  #isEmpty = true

  constructor(sequenceNumber: number, out: Output = []) {
    this.#out = out
    this.#text = `* ${sequenceNumber} FETCH (`
  }

  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** An item whose value is already encoded. */
  add(name: string, value: string): this {
    this.#text += `${this.#isEmpty ? '' : ' '}${name} ${value}`
    this.#isEmpty = false
    return this
  }

  /** An item whose value are octets; null is NIL. */
  addOctets(name: string, octets: Buffer | null, allowBinary = false): this {
    if (octets === null) return this.add(name, 'NIL')
    const [head, body] = encodeLiteral(octets, allowBinary)
    this.add(name, String(head))
    if (body !== undefined) {
      this.#out.push(this.#text, body)
      this.#text = ''
    }
    return this
  }

  finish(): Output {
    this.#out.push(`${this.#text})\r\n`)
    return this.#out
  }
}

/** What a search found: sequence numbers or UIDs in the order of the answer. */
export interface SearchResult {
  readonly numbers: readonly number[]
  /** Highest mod-sequence of the messages found, when the search used MODSEQ (RFC 7162 §3.1.5). */
  readonly modSeq: number | null
}

/** `* SEARCH …` or `* SORT …` of IMAP4rev1. */
export function encodeOldSearch(name: 'SEARCH' | 'SORT', result: SearchResult): string {
  const numbers = result.numbers.length === 0 ? '' : ` ${result.numbers.join(' ')}`
  const modSeq = result.modSeq === null || result.numbers.length === 0 ? '' : ` (MODSEQ ${result.modSeq})`
  return `* ${name}${numbers}${modSeq}\r\n`
}

/** `* ESEARCH …` (RFC 4731 §3.1, RFC 9394 §3.1). MIN and MAX are the lowest and highest, whatever the order. */
export function encodeEsearch(tag: string, isUid: boolean, wanted: SearchReturn, result: SearchResult): string {
  const { numbers, modSeq } = result
  const parts = [`* ESEARCH (TAG ${encodeString(tag)})${isUid ? ' UID' : ''}`]
  if (wanted.count) parts.push(`COUNT ${numbers.length}`)
  if (numbers.length > 0) {
    if (wanted.min) parts.push(`MIN ${extreme(numbers, Math.min)}`)
    if (wanted.max) parts.push(`MAX ${extreme(numbers, Math.max)}`)
    if (wanted.all) parts.push(`ALL ${compactSet(numbers)}`)
  }
  if (wanted.partial !== null) {
    const { from, to } = wanted.partial
    const set = compactSet(slicePartial(numbers, from, to))
    parts.push(`PARTIAL (${from}:${to} ${set === '' ? 'NIL' : set})`)
  }
  if (modSeq !== null && numbers.length > 0) parts.push(`MODSEQ ${modSeq}`)
  return `${parts.join(' ')}\r\n`
}

function extreme(numbers: readonly number[], choose: (a: number, b: number) => number): number {
  return numbers.reduce((best, number) => choose(best, number))
}

/** The numbers at positions `from` to `to`, counted from 1, or from the end when negative (RFC 9394 §3.1). */
export function slicePartial(numbers: readonly number[], from: number, to: number): readonly number[] {
  if (from > 0) return numbers.slice(from - 1, to)
  const end = numbers.length + from + 1
  return numbers.slice(Math.max(0, numbers.length + to), Math.max(0, end))
}

/** A message and the answers to it, as THREAD shows them (RFC 5256 §4); `number` is null for a missing ancestor. */
export interface ThreadNode {
  readonly number: number | null
  readonly children: readonly ThreadNode[]
}

/** `* THREAD (1 2 (3)(4 5))`. Iterative: threads may be thousands deep. */
export function encodeThreads(roots: readonly ThreadNode[]): string {
  const out: string[] = []
  const work: (ThreadNode | ')')[] = []
  const pushAll = (nodes: readonly ThreadNode[]): void => {
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i]
      if (node !== undefined) work.push(node)
    }
  }
  pushAll(roots)
  for (let item = work.pop(); item !== undefined; item = work.pop()) {
    if (item === ')') {
      out.push(')')
      continue
    }
    out.push('(')
    work.push(')')
    let node: ThreadNode = item
    let isFirst = true
    for (;;) {
      if (node.number !== null) {
        out.push(isFirst ? String(node.number) : ` ${node.number}`)
        isFirst = false
      }
      const [only] = node.children
      if (node.children.length !== 1 || only === undefined) break
      node = only
    }
    if (node.children.length > 1) {
      if (!isFirst) out.push(' ')
      pushAll(node.children)
    }
  }
  return out.length === 0 ? '* THREAD\r\n' : `* THREAD ${out.join('')}\r\n`
}
