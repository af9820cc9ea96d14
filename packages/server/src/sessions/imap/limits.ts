// What a client may use. Settings are read anew each time, so that a reload acts on open sessions.
import { settings as declared } from '@postern/contract'
import type { CommandLimits } from '@postern/mail/imap'
import type { SettingsReader } from '#data/settings'

export interface Limits {
  /** Octets of one command's literals, and of one literal. */
  maxRequestBytes(): number
  /** The largest message APPEND takes (RFC 7889). */
  maxMessageBytes(): number
  maxAuthFailures(): number
  mayUsePlainText(): boolean
  anonymousTimeoutMs(): number
  authenticatedTimeoutMs(): number
  idleTimeoutMs(): number
}

export function createLimits(settings: Pick<SettingsReader, 'read'>): Limits {
  const { imap, jmap } = declared
  return {
    maxRequestBytes: () => settings.read(imap.requestMaxSize),
    maxMessageBytes: () => Math.min(settings.read(imap.requestMaxSize), settings.read(jmap.emailMaxSize)),
    maxAuthFailures: () => settings.read(imap.authMaxFailures),
    mayUsePlainText: () => settings.read(imap.authAllowPlainText),
    anonymousTimeoutMs: () => settings.read(imap.timeoutAnonymous),
    authenticatedTimeoutMs: () => settings.read(imap.timeoutAuthenticated),
    idleTimeoutMs: () => settings.read(imap.timeoutIdle),
  }
}

/** Before login a name and a password have to fit; an OAuth token is the longest of them. */
export const anonymousLineLimits: CommandLimits = {
  maxLineBytes: 16 * 1024,
  maxLiteralBytes: Number.MAX_SAFE_INTEGER,
  maxCommandBytes: Number.MAX_SAFE_INTEGER,
}
/** Literals are limited where they are offered, since the answer depends on the command. */
export const authenticatedLineLimits: CommandLimits = {
  maxLineBytes: 256 * 1024,
  maxLiteralBytes: Number.MAX_SAFE_INTEGER,
  maxCommandBytes: Number.MAX_SAFE_INTEGER,
}

/** RFC 7888 §5 lets non-synchronizing literals be small before login. */
export const maxAnonymousLiteralBytes = 8192
/** Octets of all literals of a command that are kept in memory: everything but messages. */
export const maxHeldLiteralBytes = 1024 * 1024
/** Literals of one command. */
export const maxLiterals = 5000
/** Commands of a client that does not log in. */
export const maxAnonymousCommands = 200
/** Of these, how many may make no sense. */
export const maxAnonymousErrors = 10
/** A client may leave so much unread before the next piece is made. */
export const maxWaitingBytes = 64 * 1024
