// The wire form of principals: scalars or lists where lists are meant, names for relations. Everything that can be said about a
// value without asking the store is checked here.
import { failure, principalFields } from '@postern/contract'
import { type PrincipalType, principalTypes } from '#data/store'

/** Body of a creation, as decoded JSON. */
export type PrincipalInput = Readonly<Record<string, unknown>>

export interface PrincipalOperation {
  readonly action: 'set' | 'addItem' | 'removeItem'
  readonly field: string
  readonly value: unknown
}

const maxTextBytes = 512
/** Values in one list field. */
const maxItems = 10_000

/** `id` may come along and is ignored. */
export const inputFields = ['id', ...principalFields] as const
export type InputField = (typeof inputFields)[number]

export function isInputField(name: string): name is InputField {
  return (inputFields as readonly string[]).includes(name)
}

export function invalidParameters(reason: string): Error {
  return failure('invalidParameters', { detail: reason })
}

export function readType(value: unknown): PrincipalType {
  if (value === undefined) return 'individual'
  // A name that older clients still send.
  if (value === 'superuser') return 'individual'
  if (typeof value === 'string' && Object.hasOwn(principalTypes, value) && value !== 'other') return value as PrincipalType
  throw invalidParameters('unknown principal type')
}

/** Not every store has a NUL in a text. What is wrong with names is told elsewhere. */
function checkNul(field: string, text: unknown): void {
  if (field !== 'name' && typeof text === 'string' && text.includes('\0')) throw invalidParameters(`${field} holds a NUL character`)
}

/** A text of at most 512 bytes; null and absence are undefined. */
export function readText(field: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalidParameters(`${field} must be a text`)
  if (Buffer.byteLength(value) > maxTextBytes) throw invalidParameters(`${field} is longer than ${maxTextBytes} bytes`)
  checkNul(field, value)
  return value
}

/** A text or a list of texts; those of a list are bounded by the size of the request alone. */
export function readTexts(field: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  const items = Array.isArray(value) ? value : [value]
  if (items.length > maxItems) throw invalidParameters(`${field} has more than ${maxItems} values`)
  return items.map(item => {
    const text = Array.isArray(value) && typeof item === 'string' ? item : readText(field, item)
    if (text === undefined) throw invalidParameters(`${field} must hold texts`)
    checkNul(field, text)
    return text
  })
}

/** Each of them is compared at every login that fails. */
export const maxSecrets = 100

export function checkSecretCount(count: number): void {
  if (count > maxSecrets) throw failure('other', { details: `More than ${maxSecrets} secrets`, reason: null })
}

/** Bytes, or for tenants a list: bytes, then a count per type. At most 13 slots. */
export function readQuota(value: unknown): { readonly quota: number | undefined; readonly list: readonly number[] | undefined } {
  if (value === undefined) return { quota: undefined, list: undefined }
  if (isCount(value)) return { quota: value, list: undefined }
  // Clients may send any text; one that is no number limits nothing.
  if (typeof value === 'string' && Buffer.byteLength(value) <= maxTextBytes)
    return { quota: /^\d+$/.test(value) && isCount(Number(value)) ? Number(value) : undefined, list: undefined }
  if (Array.isArray(value) && value.length <= 13 && value.every(isCount)) return { quota: value[0], list: value }
  throw invalidParameters('quota must be a whole number, or for tenants a list of up to 13')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

export function readOperations(body: unknown): readonly PrincipalOperation[] {
  if (!Array.isArray(body)) throw invalidParameters('a list of operations is expected')
  return body.map(item => {
    const { action, field, value } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>
    if (action !== 'set' && action !== 'addItem' && action !== 'removeItem') throw invalidParameters('unknown action')
    if (typeof field !== 'string' || !isInputField(field)) throw invalidParameters('unknown field')
    if (!isOperationValue(value)) throw invalidParameters(`${field}: the value must be a text, a number or a list of one kind`)
    for (const text of Array.isArray(value) ? value : [value]) checkNul(field, text)
    return { action, field, value }
  })
}

function isOperationValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length <= maxItems && (value.every(isText) || value.every(isCount))
  return isText(value) || isCount(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && Buffer.byteLength(value) <= maxTextBytes
}
