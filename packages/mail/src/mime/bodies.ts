import { htmlToText } from '#text'
import { partText } from './content.ts'
import { type MessageStructure, type Part, parameter, partName, rootPart } from './structure.ts'

/** Which parts are shown as the body and which are offered as files (RFC 8621 §4.1.4). */
export interface BodyLists {
  readonly textBody: readonly Part[]
  readonly htmlBody: readonly Part[]
  readonly attachments: readonly Part[]
}

const inlineMedia: ReadonlySet<string> = new Set(['image', 'audio', 'video'])

function isShown(part: Part, isFirst: boolean, container: string): boolean {
  if (part.disposition?.type === 'attachment') return false
  if (part.kind === 'binary' && !inlineMedia.has(part.type)) return false
  if (part.kind === 'message') return false
  if ((part.kind === 'text' || part.kind === 'html') && part.subtype !== 'plain' && part.subtype !== 'html') return false
  // In multipart/related only the root is body; elsewhere a later text with a name is a file.
  return isFirst || (container !== 'related' && (inlineMedia.has(part.type) || partName(part) === null))
}

/** The algorithm of RFC 8621 §4.1.4 over one message's parts, without recursion into nested messages. */
export function selectBodies(structure: MessageStructure): BodyLists {
  const textBody: Part[] = []
  const htmlBody: Part[] = []
  const attachments: Part[] = []

  function children(part: Part): Part[] {
    return part.children.flatMap(index => structure.parts[index] ?? [])
  }
  function firstOf(container: Part, parts: readonly Part[]): Part | undefined {
    const start = container.subtype === 'related' ? parameter(container.parameters, 'start') : null
    return parts.find(part => start !== null && part.id === start) ?? parts[0]
  }
  function walk(
    parts: readonly Part[],
    first: Part | undefined,
    container: string,
    inAlternative: boolean,
    textList: Part[] | null,
    htmlList: Part[] | null,
  ): void {
    const textBefore = textList?.length ?? -1
    const htmlBefore = htmlList?.length ?? -1
    for (const part of parts) {
      if (part.kind === 'multipart') {
        const inner = children(part)
        walk(inner, firstOf(part, inner), part.subtype, inAlternative || part.subtype === 'alternative', textList, htmlList)
        continue
      }
      if (!isShown(part, part === first, container)) {
        attachments.push(part)
        continue
      }
      if (container === 'alternative') {
        if (part.kind === 'text') textBody.push(part)
        else if (part.kind === 'html') htmlBody.push(part)
        else attachments.push(part)
        continue
      }
      if (inAlternative) {
        // A text inside a related inside an alternative decides which of the two this branch is.
        if (part.kind === 'text') htmlList = null
        if (part.kind === 'html') textList = null
      }
      textList?.push(part)
      htmlList?.push(part)
      if ((textList === null || htmlList === null) && inlineMedia.has(part.type)) attachments.push(part)
    }
    if (container !== 'alternative' || textList === null || htmlList === null) return
    // Only one form was given: the other list takes it too.
    if (textBefore === textList.length && htmlBefore !== htmlList.length) textList.push(...htmlList.slice(htmlBefore))
    if (htmlBefore === htmlList.length && textBefore !== textList.length) htmlList.push(...textList.slice(textBefore))
  }
  const root = rootPart(structure)
  walk([root], root, 'mixed', false, textBody, htmlBody)
  return { textBody, htmlBody, attachments }
}

/** Something besides the body text is worth opening: files, attached messages, text outside of the bodies; images shown inline do not count. */
export function hasAttachment(structure: MessageStructure): boolean {
  const { attachments } = selectBodies(structure)
  return attachments.some(
    part => !(part.kind === 'binary' && part.disposition?.type !== 'attachment' && part.id !== null && inlineMedia.has(part.type)),
  )
}

// Enough source for 256 characters of text in nearly every letter; more would be read for nothing.
const previewSource = 64 * 1024

/**
 * The beginning of the body as one line of plain text: blanks collapsed, at most `maxLength` characters, `...` when cut, no broken
 * character. Empty when there is no text.
 */
export function previewText(bytes: Buffer, structure: MessageStructure, maxLength = 256): string {
  const { textBody, htmlBody } = selectBodies(structure)
  const part = [...textBody, ...htmlBody].find(candidate => candidate.kind === 'text' || candidate.kind === 'html')
  if (part === undefined) return ''
  const shortened = part.end - part.bodyStart > previewSource ? { ...part, end: part.bodyStart + previewSource } : part
  const { text } = partText(bytes, shortened)
  const source = part.kind === 'html' ? htmlToText(text, maxLength * 4) : text
  // Most letters need only their beginning looked at.
  const beginning = oneLine(source.slice(0, maxLength * 2))
  const line = beginning.length > maxLength || source.length <= maxLength * 2 ? beginning : oneLine(source.slice(0, maxLength * 32))
  if (line.length <= maxLength) return line
  return `${cutAtCharacter(line, maxLength - 3)}...`
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function cutAtCharacter(text: string, length: number): string {
  const last = text.charCodeAt(length - 1)
  const splits = last >= 0xd800 && last <= 0xdbff
  return text.slice(0, splits ? length - 1 : length)
}
