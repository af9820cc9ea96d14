import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'
import { type NameOptions, readMailboxName } from './mailbox-names.ts'

/** Arguments of SETACL (RFC 4314 §3.1). */
export interface SetAclRequest {
  readonly mailbox: string
  readonly identifier: string
  readonly change: 'replace' | 'add' | 'remove'
  /** Letters as written, each once. */
  readonly rights: string
}

/** RFC 4314 §2.1 and the obsolete `c` and `d` of §2.1.1. */
const knownRights = 'lrswipkxteacd'

export function readSetAcl(args: Arguments, options: NameOptions): SetAclRequest {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const identifier = args.astring()
  args.space()
  const text = args.astring()
  args.end()
  const change = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace'
  const letters = change === 'replace' ? text : text.slice(1)
  for (const letter of letters) if (!knownRights.includes(letter)) throw new GrammarError(`Unknown right "${letter}"`)
  return { mailbox, identifier, change, rights: [...new Set(letters)].join('') }
}

/** Arguments of DELETEACL and LISTRIGHTS (RFC 4314 §3.2, §3.4). */
export function readMailboxAndIdentifier(args: Arguments, options: NameOptions): { readonly mailbox: string; readonly identifier: string } {
  args.space()
  const mailbox = readMailboxName(args, options)
  args.space()
  const identifier = args.astring()
  args.end()
  return { mailbox, identifier }
}

/** Arguments of SETQUOTA (RFC 9208 §4.1.3): limits by resource name, upper case. */
export function readSetQuota(args: Arguments): { readonly root: string; readonly limits: ReadonlyMap<string, number> } {
  args.space()
  const root = args.astring()
  args.space()
  const limits = new Map<string, number>()
  args.list(() => {
    const resource = args.atom().toUpperCase()
    args.space()
    limits.set(resource, args.number64())
  })
  args.end()
  return { root, limits }
}

/** The quota root of GETQUOTA. */
export function readQuotaRoot(args: Arguments): string {
  args.space()
  const root = args.astring()
  args.end()
  return root
}
