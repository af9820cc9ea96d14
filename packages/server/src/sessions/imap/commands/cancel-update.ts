import type { Arguments } from '@postern/mail/imap'
import type { Selected } from '../command.ts'
import { bad, ok, type Reply } from '../reply.ts'

const maxTags = 100

/** RFC 5267 §4.4. */
export async function cancelUpdate({ view }: Selected, args: Arguments): Promise<Reply> {
  const tags: string[] = []
  while (!args.isAtEnd) {
    args.space()
    tags.push(args.string())
    if (tags.length > maxTags) return bad('Too many tags.')
  }
  if (tags.length === 0) return bad('Which update?')
  view.contexts = view.contexts.filter(({ tag }) => !tags.includes(tag))
  return ok()
}
