// Evidence for bans: those the server made by itself, and those of administrators.
import type { Command, Query } from '../command.ts'

export interface Ban {
  readonly address: string
  /** What was counted: `auth`, `abuse`, `loiter`, `scan`; `manual` for one that a person made. */
  readonly reason: string
  /** For people: the last thing that was seen and how often. */
  readonly evidence: string
  /** Unix milliseconds. */
  readonly createdAt: number
  /** Unix milliseconds; undefined stays until lifted. */
  readonly expiresAt: number | undefined
  /** How often it was seen; 0 for a manual one. */
  readonly events: number
  /** Name of the account, or `system`. */
  readonly author: string
}

interface BanRow {
  address: string
  reason: string
  evidence: string
  created_at: number
  expires_at: number | null
  events: number
  author: string
}

export const recordBan: Command<{ readonly ban: Ban }, void> = {
  name: 'bans.record',
  run: async (tx, { ban }) => {
    await tx.run(
      `INSERT INTO bans (address, reason, evidence, created_at, expires_at, events, author) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, evidence = excluded.evidence,
         created_at = excluded.created_at, expires_at = excluded.expires_at,
         events = excluded.events, author = excluded.author`,
      [ban.address, ban.reason, ban.evidence, ban.createdAt, ban.expiresAt ?? null, ban.events, ban.author],
    )
  },
}

export const removeBan: Command<{ readonly address: string }, boolean> = {
  name: 'bans.remove',
  run: async (tx, { address }) => (await tx.run('DELETE FROM bans WHERE address = ?', [address])).changes > 0,
}

/** All bans by address, after the given one, at most `limit`. */
export const listBans: Query<{ readonly after: string; readonly limit: number }, readonly Ban[]> = {
  name: 'bans.list',
  run: async (reader, { after, limit }) =>
    (await reader.all<BanRow>('SELECT * FROM bans WHERE address > ? ORDER BY address LIMIT ?', [after, limit])).map(fromRow),
}

/** Evidence for an address or network; undefined when it was put on the list without any. */
export const getBan: Query<{ readonly address: string }, Ban | undefined> = {
  name: 'bans.get',
  run: async (reader, { address }) => {
    const row = await reader.get<BanRow>('SELECT * FROM bans WHERE address = ?', [address])
    return row && fromRow(row)
  },
}

function fromRow(row: BanRow): Ban {
  return {
    address: row.address,
    reason: row.reason,
    evidence: row.evidence,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    events: row.events,
    author: row.author,
  }
}

/** Addresses whose ban is over. */
export const listEndedBans: Query<{ readonly now: number }, readonly string[]> = {
  name: 'bans.ended',
  run: async (reader, { now }) =>
    (await reader.all<{ address: string }>('SELECT address FROM bans WHERE expires_at <= ? LIMIT 1000', [now])).map(row => row.address),
}

export const banCommands = [recordBan, removeBan] as const
