// Change sets for people: secrets are told apart by a mark, never shown.
import { createHash } from 'node:crypto'
import { failure } from '@postern/contract'
import {
  type ChangeSetFilter,
  countChangeSets,
  getChangeSet,
  listChangeSets,
  type SettingDifference,
  type SettingsChangeSet,
  type Store,
  summarizeChangeSet,
} from '#data/store'
import { isSecret } from './check.ts'
import type { SettingsChange } from './source.ts'

export interface ChangeSetSummary extends SettingsChangeSet {
  /** The first keys, in order. */
  readonly keys: readonly string[]
  /** How many keys differ. */
  readonly total: number
}

export interface ChangeSetDetail extends SettingsChangeSet {
  readonly differences: readonly SettingDifference[]
}

export interface ChangeSetPage {
  readonly items: readonly ChangeSetSummary[]
  readonly total: number
}

const shownKeys = 20

/** @param page how many of the newest sets to leave out, and how many to give */
export async function listHistory(
  store: Store,
  filter: ChangeSetFilter & { readonly before?: number },
  page: { readonly skip: number; readonly limit: number },
): Promise<ChangeSetPage> {
  const [sets, total] = await Promise.all([store.read(listChangeSets, { ...filter, ...page }), store.read(countChangeSets, filter)])
  const items = await Promise.all(
    sets.map(async set => ({ ...set, ...(await store.read(summarizeChangeSet, { id: set.id, limit: shownKeys })) })),
  )
  return { items, total }
}

/** Throws `resourceNotFound`. */
export async function findChangeSet(store: Store, id: number): Promise<ChangeSetDetail> {
  const found = await store.read(getChangeSet, { id })
  if (found === undefined) throw failure('resourceNotFound')
  return found
}

/** The same difference with a mark in place of secret values: equal values have equal marks. */
export function masked(difference: SettingDifference): SettingDifference {
  if (!isSecret(difference.key)) return difference
  const mark = (value: string | undefined): string | undefined => value && `secret:${digest(`${difference.key}\n${value}`)}`
  return { ...difference, before: mark(difference.before), after: mark(difference.after) }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/**
 * What brings back the values from before a change set. Throws `other`, naming the keys, when one of them was changed since; with
 * `force` it is overwritten.
 */
export function reversal(
  { differences }: ChangeSetDetail,
  current: (key: string) => string | undefined,
  force: boolean,
): readonly SettingsChange[] {
  const changed = differences.filter(({ key, after }) => current(key) !== after).map(({ key }) => key)
  if (changed.length > 0 && !force) {
    const more = changed.length > shownKeys ? ` and ${changed.length - shownKeys} more` : ''
    throw failure('other', { details: 'Settings were changed since', reason: changed.slice(0, shownKeys).join(', ') + more })
  }
  const removed = differences.flatMap(({ key, before }) => (before === undefined ? [key] : []))
  const entries = differences.flatMap(({ key, before }): Array<[string, string]> => (before === undefined ? [] : [[key, before]]))
  return [
    ...(removed.length > 0 ? [{ kind: 'delete', keys: removed } as const] : []),
    ...(entries.length > 0 ? [{ kind: 'put', entries } as const] : []),
  ]
}
