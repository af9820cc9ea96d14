import { ok, type Reply } from '../reply.ts'

/** RFC 1939 §5; before login too, where clients wait with it. */
export async function noop(): Promise<Reply> {
  return ok('NOOP')
}
