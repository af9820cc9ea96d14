import { Failure, failure } from '@postern/contract'
import { foldName, type LaterRefusal, type PrincipalRecord, type PrincipalStep, type RelationField, type ValueField } from '#data/store'
import type { Caller } from './index.ts'
import { checkSecretCount, type PrincipalOperation, readQuota, readTexts } from './input.ts'
import { foldAddress, readEmail, readExternalMember, readName } from './names.ts'
import { checkKnown, checkPermissions } from './rights.ts'

interface Parts {
  readonly caller: Caller
  readonly hashSecret: (secret: string) => Promise<string>
  readonly verifySecret: (stored: string, secret: string) => Promise<boolean>
}

const actions = { set: 'set', addItem: 'add', removeItem: 'remove' } as const

/**
 * Turns the operations of a PATCH into steps of one command. What is wrong with a value becomes the last step, so that of two operations
 * that fail the first one is told.
 */
export async function planChange(
  record: PrincipalRecord,
  operations: readonly PrincipalOperation[],
  parts: Parts,
): Promise<readonly PrincipalStep[]> {
  const steps: PrincipalStep[] = []
  let secrets = record.secrets
  for (const operation of operations) {
    const planned = await asLaterRefusal(() => planStep({ ...record, secrets }, operation, parts))
    if ('code' in planned) return [...steps, { kind: 'refuse', ...planned }]
    for (const step of planned) if (step.kind === 'values' && step.field === 'secrets') secrets = afterStep(secrets, step)
    steps.push(...planned)
  }
  return steps
}

/** The secrets that the operations after this one find. */
function afterStep(secrets: readonly string[], { action, values }: Extract<PrincipalStep, { kind: 'values' }>): readonly string[] {
  const added = values.filter(value => !secrets.includes(value))
  return {
    set: values,
    add: [...secrets, ...added],
    first: [...added, ...secrets],
    remove: secrets.filter(secret => !values.includes(secret)),
  }[action]
}

/** A failure as a value, for whoever tells it later. */
export async function asLaterRefusal<Result>(find: () => Promise<Result>): Promise<Result | LaterRefusal> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof Failure && error.code !== 'invalidParameters') return { code: error.code, details: { ...error.details } }
    throw error
  }
}

async function planStep(record: PrincipalRecord, operation: PrincipalOperation, parts: Parts): Promise<readonly PrincipalStep[]> {
  const { action, field } = operation
  switch (field) {
    case 'name':
      return [{ kind: 'name', name: readNewName(record, operation) }]
    case 'description':
    case 'picture':
      return [{ kind: 'text', field, text: singleText(operation) || undefined }]
    case 'tenant':
      return [{ kind: 'tenant', name: foldName(singleText(operation)) || undefined }]
    case 'quota':
      return [planQuota(record, operation)]
    case 'memberOf':
    case 'lists':
    case 'roles':
    case 'members':
      return [{ kind: 'relation', field: field as RelationField | 'members', action: actions[action], names: items(operation) }]
    case 'secrets':
      return planSecrets(record, operation, parts)
    case 'emails': {
      const emails = items(operation)
      return [
        {
          kind: 'values',
          field,
          action: actions[action],
          values: action === 'removeItem' ? emails.map(foldAddress) : emails.map(readEmail),
        },
      ]
    }
    case 'externalMembers': {
      const members = items(operation)
      return [
        { kind: 'values', field, action: actions[action], values: action === 'removeItem' ? members : members.map(readExternalMember) },
      ]
    }
    case 'enabledPermissions':
    case 'disabledPermissions': {
      const permissions = items(operation)
      if (action === 'removeItem') checkKnown(field, permissions)
      else checkPermissions(parts.caller, { [field]: permissions })
      return [{ kind: 'values', field, action: actions[action], values: permissions }]
    }
    case 'urls':
      return [{ kind: 'values', field: 'urls' satisfies ValueField, action: actions[action], values: items(operation) }]
    default:
      throw invalidParameter(operation)
  }
}

function invalidParameter({ field, value }: PrincipalOperation): Error {
  return failure('other', { details: 'Invalid parameter', reason: `Invalid value ${describe(value)} for ${field}` })
}

/** The kind of a value and the value, as clients of this API know them. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `String(${JSON.stringify(value)})`
  if (typeof value === 'number') return `Integer(${value})`
  const items = Array.isArray(value) ? value : []
  return `${items.some(item => typeof item === 'number') ? 'IntegerList' : 'StringList'}(${JSON.stringify(items)})`
}

/** `set` takes a list (a single text is a list of one), `addItem` and `removeItem` one text. */
function items(operation: PrincipalOperation): readonly string[] {
  const { action, field, value } = operation
  if (typeof value === 'number' || (Array.isArray(value) && value.some(item => typeof item === 'number'))) throw invalidParameter(operation)
  if (action !== 'set' && typeof value !== 'string') throw invalidParameter(operation)
  return readTexts(field, value)
}

function singleText(operation: PrincipalOperation): string {
  const { action, value } = operation
  if (action !== 'set' || typeof value !== 'string') throw invalidParameter(operation)
  return value
}

function readNewName(record: PrincipalRecord, operation: PrincipalOperation): string {
  const name = singleText(operation)
  if (name === '') throw failure('other', { details: 'Invalid principal name', reason: 'The name is empty' })
  const read = readName(record.type, name)
  if (record.type === 'role' && ['admin', 'tenant-admin', 'user'].includes(read))
    throw failure('fieldAlreadyExists', { field: 'name', value: read })
  return read
}

function planQuota({ type }: PrincipalRecord, operation: PrincipalOperation): PrincipalStep {
  const { action, value } = operation
  if (action !== 'set' || !['individual', 'group', 'tenant'].includes(type)) throw invalidParameter(operation)
  if (value === '') return { kind: 'quota', quota: undefined, list: undefined }
  if (typeof value === 'string' || (Array.isArray(value) && type !== 'tenant')) throw invalidParameter(operation)
  return { kind: 'quota', ...readQuota(value) }
}

/** TOTP URLs stand in front; the plain text of a password removes its hash; an empty text removes all ordinary passwords. */
async function planSecrets({ secrets }: PrincipalRecord, operation: PrincipalOperation, parts: Parts): Promise<readonly PrincipalStep[]> {
  const values = items(operation)
  const step = (action: 'set' | 'add' | 'first' | 'remove', changed: readonly string[]): PrincipalStep => ({
    kind: 'values',
    field: 'secrets',
    action,
    values: changed,
  })
  if (operation.action !== 'removeItem') {
    checkSecretCount(values.length + (operation.action === 'set' ? 0 : secrets.length))
    const hashed = await Promise.all(values.map(parts.hashSecret))
    if (operation.action === 'set') return [step('set', hashed)]
    return hashed.map((secret, index) => step(values[index]?.startsWith('otpauth://') ? 'first' : 'add', [secret]))
  }
  const [wanted = ''] = values
  const isSpecial = (secret: string): boolean => secret.startsWith('otpauth://') || secret.startsWith('$app$')
  if (wanted === '')
    return [
      step(
        'remove',
        secrets.filter(secret => !isSpecial(secret)),
      ),
    ]
  if (isSpecial(wanted))
    return [
      step(
        'remove',
        secrets.filter(secret => secret.startsWith(wanted)),
      ),
    ]
  if (secrets.includes(wanted)) return [step('remove', [wanted])]
  const matching: string[] = []
  for (const secret of secrets) if (!isSpecial(secret) && (await parts.verifySecret(secret, wanted))) matching.push(secret)
  return [step('remove', matching)]
}
