// How messages are named: by number, or by UID alone for clients that asked for that (RFC 9586).
import type { SearchKey } from '@postern/mail/imap'
import type { Selected } from './command.ts'
import { bad, type Reply } from './reply.ts'

/** RFC 9586 §3: the answer to everything that takes or gives message numbers. */
export const uidRequired: Reply = bad('Only UIDs are used since UIDONLY was enabled.', 'UIDREQUIRED')

/** How the response about the message at a position begins, up to its items. */
export function fetchStart({ enabled, view }: Pick<Selected, 'enabled' | 'view'>, index: number): string {
  return enabled.has('UIDONLY') ? `* ${view.rows.uids[index] ?? 0} UIDFETCH (` : `* ${index + 1} FETCH (`
}

/** Whether the search names messages by number; the saved result does not. */
export function usesNumbers(key: SearchKey): boolean {
  switch (key.key) {
    case 'sequence':
      return !key.set.savedResult
    case 'not':
    case 'fuzzy':
      return usesNumbers(key.operand)
    case 'and':
    case 'or':
      return key.operands.some(usesNumbers)
    default:
      return false
  }
}
