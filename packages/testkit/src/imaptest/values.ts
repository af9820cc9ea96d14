/** An atom, a string or a literal, one character per byte; or a list in parentheses or brackets. */
export type Value = string | List

export interface List {
  readonly open: '(' | '['
  readonly items: readonly Value[]
}

/** Reads a reply, or what a script expects of one. `body[header.fields (date)]<0>` is one text. */
export function readValues(text: string): readonly Value[] {
  const [values] = readList(text, 0, undefined)
  return values
}

// A brace is part of a text when no literal begins with it: scripts write ${name}.
const atom = /(?:\$\{\w+\}|[^ ()[\]"\r\n{]|\{(?!\d+\+?\}\r\n))+(?:\[[^\]]*\](?:<\d+>)?)?/y
const literal = /~?\{(\d+)\+?\}\r\n/y

function readList(text: string, start: number, end: ')' | ']' | undefined): readonly [items: Value[], at: number] {
  const items: Value[] = []
  let at = start
  while (at < text.length) {
    const next = text[at]
    if (next === end) return [items, at + 1]
    if (next === '(' || next === '[') {
      const [inner, after] = readList(text, at + 1, next === '(' ? ')' : ']')
      items.push({ open: next, items: inner })
      at = after
    } else if (next === '"') {
      const [quoted, after] = readQuoted(text, at + 1)
      items.push(quoted)
      at = after
    } else {
      literal.lastIndex = at
      const found = literal.exec(text)
      atom.lastIndex = at
      const word = found === null ? atom.exec(text) : null
      if (found !== null) {
        const from = at + found[0].length
        at = from + Number(found[1])
        items.push(text.slice(from, at))
      } else if (word !== null) {
        items.push(word[0])
        at += word[0].length
      } else at += 1
    }
  }
  return [items, at]
}

function readQuoted(text: string, start: number): readonly [string, number] {
  let quoted = ''
  let at = start
  while (at < text.length && text[at] !== '"') {
    if (text[at] === '\\') at += 1
    quoted += text[at] ?? ''
    at += 1
  }
  return [quoted, at + 1]
}
