import { decodeEncodedWords } from './encoded-words.ts'

/** What RFC 5256 §2.1 makes of a subject. */
export interface BaseSubject {
  readonly text: string
  /** The subject had a reply or forward mark, so the message is an answer. */
  readonly isReply: boolean
}

// RFC 5256 §5 subj-refwd and subj-blob.
const refwd = /^(?:re|fwd?)[ \t]*(?:\[[^[\]]*\][ \t]*)?:/i
const blob = /^\[[^[\]]*\][ \t]*/
// No sorting or threading needs more; the bound keeps hostile subjects cheap.
const longestSubject = 1000

/**
 * RFC 5256 §2.1 base subject of a Subject value (encoded words are decoded here). Case is kept: compare under i;unicode-casemap.
 * Only the first 1,000 characters count.
 */
export function baseSubject(subject: string): BaseSubject {
  let text = collapse(subject)
  let isReply = false
  for (;;) {
    const before = text
    text = text.trimEnd()
    while (text.toLowerCase().endsWith('(fwd)')) {
      isReply = true
      text = text.slice(0, -'(fwd)'.length).trimEnd()
    }
    const rest = stripLeaders(text)
    if (rest.marked) isReply = true
    text = rest.text
    if (/^\[fwd:.*\]$/i.test(text)) {
      text = text.slice('[fwd:'.length, -1)
      isReply = true
    }
    if (text === before) return { text, isReply }
  }
}

function collapse(subject: string): string {
  return decodeEncodedWords(subject.slice(0, longestSubject * 4))
    .slice(0, longestSubject)
    .replace(/[ \t\r\n]+/g, ' ')
    .trim()
}

/** subj-leader = (*subj-blob subj-refwd) / WSP, and single blobs as long as something stays behind them. */
function stripLeaders(text: string): { readonly text: string; readonly marked: boolean } {
  let position = 0
  let marked = false
  // Blobs up to here were already seen not to lead to a mark.
  let unmarkedUntil = 0
  for (;;) {
    while (text[position] === ' ') position++
    let ahead = position
    if (position >= unmarkedUntil) {
      for (let match = blob.exec(text.slice(ahead)); match !== null; match = blob.exec(text.slice(ahead))) ahead += match[0].length
      const mark = refwd.exec(text.slice(ahead))
      if (mark !== null) {
        marked = true
        position = ahead + mark[0].length
        continue
      }
      unmarkedUntil = ahead
    }
    const lead = blob.exec(text.slice(position))
    if (lead === null || text.length <= position + lead[0].length) return { text: text.slice(position), marked }
    position += lead[0].length
  }
}

// What mail programs of many languages put before the colon of an answer or a forwarded message.
const threadPrefixes: ReadonlySet<string> = new Set(
  (
    're fw fwd aw wg antw doorst sv vs vb vl vid fs ynt ilt res enc rif r i inol odp pd rv reenv tr réf ref rép rep trans ' +
    'atb bls trs ats pers odg posr proslj răsp rasp redir vá va továbbítás tovabb edasi přep preposl ' +
    'απ σχετ πρθ отв ответ пересл на hа препр відп вiдп пересил ' +
    'رد اعادة پاسخ ارسال השב הועבר תשובה ' +
    '回复 回覆 答复 答覆 回應 回应 返信 转发 轉發 轉寄 转寄 転送 답장 회신 전달 전송 ตอบ ส่งต่อ'
  ).split(' '),
)
// Phrases with blanks, tried as they are.
const threadPhrases: ReadonlySet<string> = new Set(['trả lời', 'chuyển tiếp', 'إعادة توجيه', 'رد على'])

/**
 * The name under which messages of a conversation meet: list tags, reply and forward marks of many languages, counters, `[Fwd: …]` and
 * `(fwd)` removed; NFC, lower case, at most 255 bytes of UTF-8; `!` when nothing is left.
 */
export function threadSubject(subject: string): string {
  let text = collapse(subject).normalize('NFC').toLowerCase()
  for (;;) {
    const before = text
    text = text.trim()
    while (text.endsWith('(fwd)')) text = text.slice(0, -'(fwd)'.length).trimEnd()
    text = stripThreadMark(text)
    if (text === before) break
  }
  return text === '' ? '!' : cutUtf8(text, 255)
}

function stripThreadMark(text: string): string {
  const wrapped = /^\[(?:fwd?|wg|tr): *(.*)\]$/.exec(text)
  if (wrapped !== null) return wrapped[1] ?? ''
  if (text.startsWith('[')) {
    const tag = blob.exec(text)
    return tag !== null && tag[0].length < text.length ? text.slice(tag[0].length) : text
  }
  // A mark, perhaps a counter in brackets or parentheses, a colon (ASCII or full width).
  const mark = /^([\p{L}\p{M} ]{1,16}?) ?(?:[[(]\d{1,4}[\])]|\^\d{1,4}|\d{1,4})? ?[:：]/u.exec(text)
  if (mark === null) return text
  const word = mark[1] ?? ''
  return threadPrefixes.has(word) || threadPhrases.has(word) ? text.slice(mark[0].length) : text
}

function cutUtf8(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const char of text) {
    bytes += Buffer.byteLength(char)
    if (bytes > maxBytes) break
    end += char.length
  }
  return text.slice(0, end)
}
