// What is advertised: only what works, in an order that clients and recordings know; newer ones at the end.
import type { Session } from './command.ts'

const always = ['IMAP4rev2', 'IMAP4rev1', 'ENABLE', 'SASL-IR', 'LITERAL+', 'ID', 'UTF8=ACCEPT'] as const

const afterLogin = [
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'MULTIAPPEND',
  'BINARY',
  'UNSELECT',
  'ACL',
  'UIDPLUS',
  'ESEARCH',
  'WITHIN',
  'SEARCHRES',
  'SORT',
  'THREAD=REFERENCES',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'ESORT',
  'SORT=DISPLAY',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'MOVE',
  'CONDSTORE',
  'QRESYNC',
  'UNAUTHENTICATE',
  'STATUS=SIZE',
  'OBJECTID',
  'PREVIEW',
  'RIGHTS=texk',
  'SAVEDATE',
  'PARTIAL',
  'LIST-MYRIGHTS',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFS',
  'CONTEXT=SEARCH',
  'CONTEXT=SORT',
  'NOTIFY',
  'REPLACE',
  'CATENATE',
  'QUOTA',
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'METADATA',
  'LIST-METADATA',
  'UIDONLY',
  'INPROGRESS',
] as const

/** The words of CAPABILITY for the state the session is in. */
export function capabilities(
  session: Pick<Session, 'login' | 'isTls' | 'isCompressed' | 'offersTls' | 'mayUsePassword' | 'limits'>,
): string {
  const words: string[] = [...always]
  if (session.login !== null)
    return [
      ...words,
      ...afterLogin,
      ...(session.isCompressed ? [] : ['COMPRESS=DEFLATE']),
      `APPENDLIMIT=${session.limits.maxMessageBytes()}`,
    ].join(' ')
  // RFC 9051 §6.2.3, §7.2.2: no mechanism that would send the password in clear.
  if (session.mayUsePassword) words.push('AUTH=OAUTHBEARER', 'AUTH=PLAIN', 'AUTH=XOAUTH2')
  else words.push('LOGINDISABLED')
  if (session.offersTls) words.push('STARTTLS')
  return words.join(' ')
}
