// Keys of a DKIM signature beside the one that signs: the next one, and former ones that must stay in the DNS for a while.
import type { Command, Query } from '../command.ts'

export interface SigningKey {
  readonly signatureId: string
  readonly selector: string
  /** As in the settings: `rsa-sha256`, `ed25519-sha256`. */
  readonly algorithm: string
  /** What stands in the DNS as `p=`. */
  readonly publicKey: string
  /** PEM of the next key; undefined once the key is a former one. */
  readonly privateKey: string | undefined
  /** Unix milliseconds. */
  readonly createdAt: number
  /** Until when a former key stays in the DNS, Unix milliseconds; undefined for the next key. */
  readonly endsAt: number | undefined
}

interface Row {
  signature_id: string
  selector: string
  algorithm: string
  public_key: string
  private_key: string | null
  created_at: number
  ends_at: number | null
}

export const putSigningKey: Command<{ readonly key: SigningKey }, void> = {
  name: 'signing-keys.put',
  run: async (tx, { key }) => {
    await tx.run(
      `INSERT INTO signing_keys (signature_id, selector, algorithm, public_key, private_key, created_at, ends_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (signature_id, selector) DO UPDATE SET algorithm = excluded.algorithm, public_key = excluded.public_key,
         private_key = excluded.private_key, created_at = excluded.created_at, ends_at = excluded.ends_at`,
      [key.signatureId, key.selector, key.algorithm, key.publicKey, key.privateKey ?? null, key.createdAt, key.endsAt ?? null],
    )
  },
}

export const removeSigningKey: Command<{ readonly signatureId: string; readonly selector: string }, void> = {
  name: 'signing-keys.remove',
  run: async (tx, { signatureId, selector }) => {
    await tx.run('DELETE FROM signing_keys WHERE signature_id = ? AND selector = ?', [signatureId, selector])
  },
}

/** All of them, or those of one signature, by signature and selector. */
export const listSigningKeys: Query<{ readonly signatureId?: string }, readonly SigningKey[]> = {
  name: 'signing-keys.list',
  run: async (reader, { signatureId }) => {
    const rows =
      signatureId === undefined
        ? await reader.all<Row>('SELECT * FROM signing_keys ORDER BY signature_id, selector')
        : await reader.all<Row>('SELECT * FROM signing_keys WHERE signature_id = ? ORDER BY selector', [signatureId])
    return rows.map(row => ({
      signatureId: row.signature_id,
      selector: row.selector,
      algorithm: row.algorithm,
      publicKey: row.public_key,
      privateKey: row.private_key ?? undefined,
      createdAt: row.created_at,
      endsAt: row.ends_at ?? undefined,
    }))
  },
}

export const signingKeyCommands = [putSigningKey, removeSigningKey] as const
