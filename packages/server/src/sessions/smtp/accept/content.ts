// The message as it is stored: our fields, then its own octets less the fields taken out.
import { createReadStream } from 'node:fs'
import { removeFields } from '@postern/mail/message'
import type { Blobs } from '#data/blobs'
import type { SpooledContent } from '#data/store'
import type { ReceivedContent } from '../incoming.ts'
import type { Verdict } from './stage.ts'

/** Hands the content on; what it had to write for that is gone afterwards. */
export async function withContent<T>(
  received: ReceivedContent,
  { fields, removed }: Verdict,
  blobs: Pick<Blobs, 'spool'>,
  use: (content: Uint8Array | SpooledContent) => Promise<T>,
): Promise<T> {
  const front = Buffer.from(fields.join(''))
  const head = removed.length === 0 ? received.head : removeFields(received.head, removed)
  if (received.file === null) return use(Buffer.concat([front, head]))
  await using spool = blobs.spool()
  await spool.write(front)
  await spool.write(head)
  for await (const piece of createReadStream(received.file.path, { start: received.head.length })) await spool.write(piece)
  // Awaited here: the file is there no longer than this block.
  return await use(await spool.finish())
}
