// What a client may use; POP3 shares the settings of IMAP. They are read anew each time, so that a reload acts on open sessions.
import { settings as declared } from '@postern/contract'
import type { SettingsReader } from '#data/settings'

export interface Limits {
  maxAuthFailures(): number
  mayUsePlainText(): boolean
  anonymousTimeoutMs(): number
  authenticatedTimeoutMs(): number
}

export function createLimits(settings: Pick<SettingsReader, 'read'>): Limits {
  const { imap } = declared
  return {
    maxAuthFailures: () => settings.read(imap.authMaxFailures),
    mayUsePlainText: () => settings.read(imap.authAllowPlainText),
    anonymousTimeoutMs: () => settings.read(imap.timeoutAnonymous),
    authenticatedTimeoutMs: () => settings.read(imap.timeoutAuthenticated),
  }
}

/** A command line with its end. RFC 2449 §4 asks for 255; passwords may be longer than that. */
export const maxCommandBytes = 4 * 1024 + 16
/** AUTH may bring its initial response along, and an OAuth token is long. */
export const maxAuthBytes = 16 * 1024
/** Commands of a client that does not log in. */
export const maxAnonymousCommands = 200
/** Of these, how many may make no sense. */
export const maxAnonymousErrors = 10
/** A client may leave so much unread before the next piece is made. */
export const maxWaitingBytes = 64 * 1024
