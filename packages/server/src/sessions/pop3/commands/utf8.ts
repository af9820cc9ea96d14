import { ok, type Reply } from '../reply.ts'

/** RFC 6856 §2. Nothing changes by it: messages always go out as they came, and names and passwords are taken as UTF-8 with or without. */
export async function utf8(): Promise<Reply> {
  return ok('UTF8 enabled')
}
