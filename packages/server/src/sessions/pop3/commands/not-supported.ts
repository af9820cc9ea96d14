import type { CommandText } from '@postern/mail/pop3'
import type { Session } from '../command.ts'
import { err, type Reply } from '../reply.ts'

/** APOP would want passwords stored in clear (RFC 1939 §7); LANG is RFC 6856 §3, the others are older than RFC 1939 or nobody's standard. */
export async function notSupported(_session: Session, { verb }: CommandText): Promise<Reply> {
  return err(`${verb} not supported.`)
}
