// What the busy process tells its parent, one line of JSON each.

/** A write that is done, or (`flagging`) about to begin. Mailbox 0 only grows; what comes into mailbox 1 is removed again. */
export interface Acknowledged {
  readonly kind: 'appended' | 'removed' | 'flagged' | 'flagging' | 'set' | 'queued' | 'cancelled'
  readonly id: number
  readonly value: number
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string
}

export const accountId = 1
