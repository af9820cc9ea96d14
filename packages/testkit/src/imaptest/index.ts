// Runs scripts of Dovecot's imaptest: commands with the untagged replies they should have, over several connections.
export { type Outcome, type PlayOptions, playScript } from './play.ts'
export { type Credentials, prepare } from './prepare.ts'
export { type MailboxMessage, readMbox, readScript, type Script } from './script.ts'
