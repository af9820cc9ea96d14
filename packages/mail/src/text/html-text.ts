import { decodeEntities } from './entities.ts'

// Tags that end a line for the reader.
const breaking: ReadonlySet<string> = new Set(
  'br p /p div /div tr /tr li h1 h2 h3 h4 h5 h6 /h1 /h2 /h3 /h4 /h5 /h6 hr table /table ul /ul ol /ol blockquote /blockquote pre /pre section article header footer'.split(
    ' ',
  ),
)
const spacing: ReadonlySet<string> = new Set(['td', 'th', 'dd', 'dt', 'option'])
// Their content is no text. `head` comes off only when it is closed: else a forgotten end tag would eat the letter.
const hidden: ReadonlySet<string> = new Set(['script', 'style', 'title', 'head', 'noscript', 'template', 'textarea', 'svg'])

/** Looks a needle up going forward; each call costs only the way from the last one. */
function createFinder(text: string, needle: string): (from: number) => number {
  let found = -2
  return from => {
    if (found !== -1 && found < from) found = text.indexOf(needle, from)
    return found
  }
}

/**
 * Plain text of HTML as a reader sees it: comments, scripts, styles and the head dropped, block ends become line breaks, character
 * references decoded, runs of blanks made one. Linear in the input; never throws. Stops once `maxLength` characters are gathered.
 */
export function htmlToText(html: string, maxLength = Number.POSITIVE_INFINITY): string {
  const lower = html.toLowerCase()
  // Case folding can change the length of odd letters; then offsets would not match.
  const tags = lower.length === html.length ? lower : html
  const commentEnd = createFinder(html, '-->')
  const tagEnd = createFinder(html, '>')
  const quoteEnd = { '"': createFinder(html, '"'), "'": createFinder(html, "'") }
  const closers = new Map<string, (from: number) => number>()
  const out: string[] = []
  let length = 0
  let i = 0

  function add(text: string): void {
    if (text === '') return
    out.push(text)
    length += text.length
  }
  function endOfTag(from: number): number {
    let end = tagEnd(from)
    let scan = from
    while (end >= 0) {
      const open = firstQuote(html, scan, end)
      if (open < 0) return end
      const close = quoteEnd[html[open] === '"' ? '"' : "'"](open + 1)
      if (close < 0 || close < end) {
        if (close < 0) return end
        scan = close + 1
        continue
      }
      // The bracket stands inside a quoted value, unless the quote is a stray one that runs over the next tags.
      if (close - open > 4096) return end
      scan = close + 1
      end = tagEnd(close + 1)
    }
    return -1
  }
  function skipHidden(name: string, from: number): number {
    let closer = closers.get(name)
    if (closer === undefined) {
      closer = createFinder(tags, `</${name}`)
      closers.set(name, closer)
    }
    return closer(from)
  }

  while (i < html.length && length < maxLength * 2) {
    const open = html.indexOf('<', i)
    if (open < 0) {
      add(html.slice(i))
      break
    }
    add(html.slice(i, open))
    if (html.startsWith('<!--', open)) {
      const end = commentEnd(open + 4)
      i = end < 0 ? html.length : end + 3
      continue
    }
    const name = /^<(\/?[a-z][a-z0-9]{0,15}|[!?])/.exec(tags.slice(open, open + 18))?.[1]
    if (name === undefined) {
      add('<')
      i = open + 1
      continue
    }
    const end = endOfTag(open + 1)
    if (end < 0) break
    i = end + 1
    if (hidden.has(name)) {
      const close = skipHidden(name, i)
      if (close >= 0) i = close
      else if (name === 'script' || name === 'style') break
    } else if (breaking.has(name)) add('\n')
    else if (spacing.has(name)) add(' ')
  }
  return tidy(decodeEntities(out.join('')))
}

function firstQuote(html: string, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const code = html.charCodeAt(i)
    if ((code === 0x22 || code === 0x27) && previousIsEquals(html, i, from)) return i
  }
  return -1
}

function previousIsEquals(html: string, index: number, from: number): boolean {
  let i = index - 1
  while (i >= from && html.charCodeAt(i) <= 0x20) i--
  return html[i] === '='
}

function tidy(text: string): string {
  return text
    .replace(/[ \t\r\f\v\u00a0]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim()
}
