// THE TABLE: which commands there are, where they are allowed and what they need.
import type { Command } from './command.ts'
import { auth } from './commands/auth.ts'
import { capa } from './commands/capa.ts'
import { dele } from './commands/dele.ts'
import { list } from './commands/list.ts'
import { noop } from './commands/noop.ts'
import { notSupported } from './commands/not-supported.ts'
import { pass } from './commands/pass.ts'
import { quit } from './commands/quit.ts'
import { retr } from './commands/retr.ts'
import { rset } from './commands/rset.ts'
import { stat } from './commands/stat.ts'
import { stls } from './commands/stls.ts'
import { top } from './commands/top.ts'
import { uidl } from './commands/uidl.ts'
import { user } from './commands/user.ts'
import { utf8 } from './commands/utf8.ts'

/** Known commands we do not have: a client that tries them is no stranger to POP3. */
const unsupported = { states: 'any', run: notSupported } as const

const table = {
  CAPA: { states: 'any', event: 'pop3.capabilities', run: capa },
  NOOP: { states: 'any', event: 'pop3.noop', run: noop },
  QUIT: { states: 'any', event: 'pop3.quit', run: quit },

  STLS: { states: 'authorization', event: 'pop3.start-tls', run: stls },
  UTF8: { states: 'authorization', event: 'pop3.utf8', run: utf8 },
  USER: { states: 'authorization', run: user },
  PASS: { states: 'authorization', run: pass },
  AUTH: { states: 'authorization', run: auth },

  STAT: { states: 'transaction', permission: 'pop3-stat', event: 'pop3.stat', run: stat },
  LIST: { states: 'transaction', permission: 'pop3-list', event: 'pop3.list', run: list },
  UIDL: { states: 'transaction', permission: 'pop3-uidl', event: 'pop3.uidl', run: uidl },
  RETR: { states: 'transaction', permission: 'pop3-retr', event: 'pop3.fetch', run: retr },
  TOP: { states: 'transaction', permission: 'pop3-retr', event: 'pop3.fetch', run: top },
  DELE: { states: 'transaction', permission: 'pop3-dele', event: 'pop3.delete', run: dele },
  RSET: { states: 'transaction', event: 'pop3.reset', run: rset },

  APOP: unsupported,
  LANG: unsupported,
  LAST: unsupported,
  RPOP: unsupported,
  XSENDER: unsupported,
  XTND: unsupported,
} as const satisfies Record<string, Command>

export const commands: ReadonlyMap<string, Command> = new Map(Object.entries(table))
