// How people see answers. What comes from a server may hold anything, control sequences of terminals too: none gets through.

/** How an answer is shown: a table of the items of a page, one record, lines, or a sentence. */
export type View =
  | { readonly kind: 'table'; readonly columns: readonly Column[]; readonly rows: readonly Row[]; readonly footer?: string }
  | { readonly kind: 'record'; readonly record: Row }
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Frame by frame, as they come. */
  | { readonly kind: 'stream'; readonly frames: AsyncIterable<unknown> }

export type Row = Readonly<Record<string, unknown>>

export interface Column {
  readonly title: string
  readonly of: (row: Row) => unknown
}

export function column(title: string, member: string, show: (value: unknown) => unknown = value => value): Column {
  return { title, of: row => show(row[member]) }
}

export function sentence(text: string): View {
  return { kind: 'lines', lines: [text] }
}

/** Lays out a view; `width` cuts the lines of tables, for terminals. */
export function layOut(view: Exclude<View, { kind: 'bytes' | 'stream' }>, width = Number.POSITIVE_INFINITY): string {
  switch (view.kind) {
    case 'lines':
      return view.lines.map(line => `${visible(line)}\n`).join('')
    case 'record': {
      const entries = Object.entries(view.record).filter(([, value]) => value !== undefined)
      const longest = Math.max(0, ...entries.map(([name]) => columnsOf(name)))
      return entries.flatMap(([name, value]) => entryLines(pad(name, longest), value)).join('')
    }
    case 'table': {
      const cells = view.rows.map(row => view.columns.map(({ of }) => textOf(of(row))))
      const head = view.columns.map(({ title }) => title.toUpperCase())
      const widths = head.map((title, at) => Math.max(columnsOf(title), ...cells.map(row => columnsOf(row[at] ?? ''))))
      const lines = [head, ...cells].map(row =>
        cut(
          row
            .map((cell, at) => pad(cell, widths[at] ?? 0))
            .join('  ')
            .trimEnd(),
          width,
        ),
      )
      const all = view.footer === undefined ? lines : [...lines, '', visible(view.footer)]
      return all.map(line => `${line}\n`).join('')
    }
  }
}

function entryLines(name: string, value: unknown): string[] {
  const values = Array.isArray(value) && value.length > 1 ? value : [value]
  return values.map((item, at) => `${at === 0 ? name : ' '.repeat(name.length)}  ${textOf(item)}\n`)
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(textOf).join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return visible(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** Controls, and what turns or hides text, as escapes. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu, found => {
    if (found === '\n') return '\\n'
    if (found === '\t') return ' '
    return `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`
  })
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns of a terminal that a text takes; good for the scripts that take two. */
function columnsOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let columns = 0
  for (const { segment } of segments.segment(text))
    columns += /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uff01-\uff60\p{Emoji_Presentation}]/u.test(segment)
      ? 2
      : 1
  return columns
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

function cut(line: string, width: number): string {
  if (columnsOf(line) <= width) return line
  let kept = ''
  for (const { segment } of segments.segment(line)) {
    if (columnsOf(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}

const units = ['kB', 'MB', 'GB', 'TB'] as const

/** `1.5 GB`. */
export function formatSize(bytes: unknown): unknown {
  if (typeof bytes !== 'number' || bytes < 1000) return bytes
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length)
  const value = bytes / 1000 ** power
  return `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${units[power - 1]}`
}
