// THE TABLE: what a client may say, and when.
import { failure } from '@postern/contract'
import type { Clock } from '#base/clock'
import type { Settings } from '#data/settings'
import type { Access } from '#services/access'
import type { Directory } from '#services/directory'
import type { Acceptance } from './accept/index.ts'
import type { Command, Session, State } from './command.ts'
import { auth } from './commands/auth.ts'
import { bdat } from './commands/bdat.ts'
import { data, withoutRecipients } from './commands/data.ts'
import { hello } from './commands/hello.ts'
import { mail } from './commands/mail.ts'
import { rcpt } from './commands/rcpt.ts'
import { help, noop, notImplemented, quit, rset } from './commands/simple.ts'
import { starttls } from './commands/starttls.ts'
import { expn, vrfy } from './commands/vrfy.ts'
import type { Receive } from './incoming.ts'
import { type Reply, replyToFailure } from './reply.ts'
import type { Throttles } from './throttles.ts'

interface Parts {
  readonly access: Access
  readonly directory: Directory
  readonly receive: Receive
  readonly settings: Pick<Settings, 'read'>
  readonly clock: Clock
  readonly accept: Acceptance
  readonly throttles: Throttles
}

export type Commands = ReadonlyMap<string, Command>

const any: readonly State[] = ['connected', 'greeted', 'mail', 'recipients', 'chunks']

export function createCommands({ access, directory, receive, settings, clock, accept, throttles }: Parts): Commands {
  const table: Readonly<Record<string, Command>> = {
    EHLO: { states: any, run: hello('EHLO', clock) },
    HELO: { states: any, run: hello('HELO', clock) },
    LHLO: { states: any, run: hello('LHLO', clock) },
    STARTTLS: { states: any, run: starttls },
    AUTH: { states: any, run: auth(access) },
    MAIL: { states: ['connected', 'greeted'], otherwise: secondMail, run: mail({ directory, clock, throttles }) },
    RCPT: { states: ['mail', 'recipients'], otherwise: withoutMail, run: rcpt({ directory, bans: access.bans, throttles }) },
    DATA: { states: ['recipients'], otherwise: dataOutOfPlace, run: data({ accept, receive, settings }) },
    // What follows must be read past in any state.
    BDAT: { states: any, run: bdat({ accept, receive, settings }) },
    RSET: { states: any, run: rset },
    NOOP: { states: any, run: noop },
    HELP: { states: any, run: help },
    VRFY: { states: any, run: vrfy(directory) },
    EXPN: { states: any, run: expn(directory) },
    QUIT: { states: any, run: quit },
    ETRN: { states: any, run: notImplemented('ETRN') },
    ATRN: { states: any, run: notImplemented('ATRN') },
    BURL: { states: any, run: notImplemented('BURL') },
  }
  return new Map(Object.entries(table))
}

function secondMail({ trace }: Session): Reply {
  trace.emit('smtp.multiple-mail-from')
  return replyToFailure(failure('badSequence'), 'Multiple MAIL commands not allowed.')
}

function withoutMail({ trace, transaction }: Session): Reply {
  if (transaction !== null) return replyToFailure(failure('badSequence'))
  trace.emit('smtp.mail-from-missing')
  return replyToFailure(failure('badSequence'), 'MAIL is required first.')
}

/** RFC 3030 §2: DATA does not follow BDAT. */
function dataOutOfPlace(session: Session): Reply {
  return session.transaction?.incoming ? replyToFailure(failure('badSequence')) : withoutRecipients(session)
}
