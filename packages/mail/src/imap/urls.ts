import { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'
import { type Partial, readSection, type Section } from './sections.ts'

/** What an IMAP URL without server names: a message, or a piece of one (RFC 5092 §5.2). */
export interface MessageUrl {
  /** In Unicode. */
  readonly mailbox: string
  readonly uidValidity: number | null
  readonly uid: number
  readonly section: Section
  /** Null: all of it. */
  readonly partial: Partial | null
}

/** `/INBOX;UIDVALIDITY=7/;UID=20/;SECTION=1.2/;PARTIAL=0.1024`; null for anything else, URLs with a server included. */
export function parseMessageUrl(url: string): MessageUrl | null {
  const pattern =
    /^\/([^;]+?)(?:;uidvalidity=(\d{1,10}))?\/?;uid=(\d{1,10})(?:\/?;section=([^;]+?))?(?:\/?;partial=(\d{1,15})(?:\.(\d{1,15}))?)?$/i
  const [all, mailbox = '', uidValidity, uid = '', section, start, length] = pattern.exec(url) ?? []
  if (all === undefined) return null
  try {
    return {
      mailbox: decodeURIComponent(mailbox),
      uidValidity: uidValidity === undefined ? null : Number(uidValidity),
      uid: Number(uid),
      section: section === undefined ? { part: [], text: 'all', fields: [] } : parseSection(decodeURIComponent(section)),
      partial:
        start === undefined ? null : { start: Number(start), length: length === undefined ? Number.MAX_SAFE_INTEGER : Number(length) },
    }
  } catch (error) {
    if (error instanceof URIError || error instanceof GrammarError) return null
    throw error
  }
}

function parseSection(text: string): Section {
  const args = Arguments.of(`[${text}]`)
  const section = readSection(args)
  args.end()
  return section
}
