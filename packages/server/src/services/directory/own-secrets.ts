// How an account logs in, in its own hands: password, second factor, application passwords.
import { settings as declared, failure } from '@postern/contract'
import type { Settings } from '#data/settings'
import { changePrincipal, getPrincipalById, type PrincipalRecord, type Store } from '#data/store'
import { type Caller, fallbackAdministratorId } from './index.ts'
import { checkSecretCount } from './input.ts'

export type OwnSecretChange =
  /** Replaces all ordinary passwords; plain or hashed. */
  | { readonly type: 'setPassword'; readonly password: string }
  /** `otpauth://totp/…` */
  | { readonly type: 'enableOtpAuth'; readonly url: string }
  /** All of them without a URL. */
  | { readonly type: 'disableOtpAuth'; readonly url?: string | null }
  | { readonly type: 'addAppPassword'; readonly name: string; readonly password: string }
  /** All of them without a name. */
  | { readonly type: 'removeAppPassword'; readonly name?: string | null }

export interface OwnSecrets {
  /** Failure `unsupported` for a caller that is no person. */
  ownSecrets(caller: Caller): Promise<{ readonly otpEnabled: boolean; readonly appPasswords: readonly string[] }>
  /** Makes all changes in order, or none. Failures `other`, `unsupported`. */
  changeOwnSecrets(caller: Caller, changes: readonly OwnSecretChange[]): Promise<void>
}

export interface OwnSecretsParts {
  readonly store: Store
  readonly settings: Settings
  readonly hashSecret: (secret: string) => Promise<string>
  /** Whether accounts and their passwords are kept here. */
  readonly isInternal: () => boolean
}

const maxPasswordBytes = 512
const maxUrlBytes = 512
const maxNameBytes = 255
const maxAttempts = 50

export function createOwnSecrets({ store, settings, hashSecret, isInternal }: OwnSecretsParts): OwnSecrets {
  /** Changes of one account come one after the other: each starts from what the one before left. */
  const turns = new Map<number, Promise<unknown>>()

  async function recordOf({ accountId }: Caller): Promise<PrincipalRecord> {
    if (!isInternal()) throw failure('unsupported', { details: 'The accounts are kept in another directory' })
    const record = await store.read(getPrincipalById, { id: accountId })
    if (record?.type !== 'individual') throw failure('unsupported', { details: 'Only people have secrets of their own' })
    return record
  }

  async function inTurn(accountId: number, work: () => Promise<void>): Promise<void> {
    const before = turns.get(accountId) ?? Promise.resolve()
    const mine = before.then(work, work)
    turns.set(accountId, mine)
    try {
      await mine
    } finally {
      if (turns.get(accountId) === mine) turns.delete(accountId)
    }
  }

  async function changed(secrets: readonly string[], change: OwnSecretChange): Promise<readonly string[]> {
    switch (change.type) {
      case 'setPassword': {
        const hash = await hashSecret(checkPassword(change.password))
        return [...secrets.filter(secret => isTotp(secret) || isApp(secret)), hash]
      }
      case 'enableOtpAuth': {
        const url = await checkTotp(change.url)
        return [url, ...secrets.filter(secret => secret !== url)]
      }
      case 'disableOtpAuth':
        return secrets.filter(secret => (change.url ? secret !== change.url : !isTotp(secret)))
      case 'addAppPassword': {
        const name = checkName(change.name)
        return [...secrets, await hashSecret(`$app$${name}$${checkPassword(change.password)}`)]
      }
      case 'removeAppPassword':
        return secrets.filter(secret => !isApp(secret) || (change.name && nameOf(secret) !== change.name))
    }
  }

  /** The emergency administrator is a pair of settings. */
  async function changeFallback({ name }: Caller, [first]: readonly OwnSecretChange[]): Promise<void> {
    if (first?.type !== 'setPassword') throw refusal('Fallback administrator accounts do not support 2FA or AppPasswords')
    const key = declared.authentication.fallbackAdminSecret.pattern
    await settings.change([{ kind: 'put', entries: [[key, await hashSecret(checkPassword(first.password))]] }], { author: name })
    await settings.reload({ only: [key] })
  }

  return {
    async ownSecrets(caller) {
      if (caller.accountId === fallbackAdministratorId) return { otpEnabled: false, appPasswords: [] }
      const { secrets } = await recordOf(caller)
      return { otpEnabled: secrets.some(isTotp), appPasswords: secrets.filter(isApp).map(nameOf) }
    },
    changeOwnSecrets: (caller, changes) =>
      inTurn(caller.accountId, async () => {
        if (caller.accountId === fallbackAdministratorId) return changeFallback(caller, changes)
        // An administrator may change the same account meanwhile: then once more, from what that left.
        for (let attempt = 1; attempt <= maxAttempts; attempt++) {
          const { id, secrets, changeNumber: expected } = await recordOf(caller)
          let next: readonly string[] = secrets
          for (const change of changes) next = await changed(next, change)
          checkSecretCount(next.length)
          const steps = [{ kind: 'values', field: 'secrets', action: 'set', values: next }] as const
          if (await store.write(changePrincipal, { id, steps, expected })) return
        }
        throw failure('storeUnavailable', { reason: 'the account is being changed by too many at once' })
      }),
  }
}

function refusal(details: string): Error {
  return failure('other', { details, reason: null })
}

const isTotp = (secret: string): boolean => secret.startsWith('otpauth://')
const isApp = (secret: string): boolean => secret.startsWith('$app$')
const nameOf = (secret: string): string => secret.split('$')[2] ?? ''

/** A password must not become a secret of another kind. */
function checkPassword(password: string): string {
  const isShort = password !== '' && Buffer.byteLength(password) <= maxPasswordBytes
  if (!isShort || password.includes('\0') || isTotp(password) || isApp(password)) throw refusal('Invalid password')
  return password
}

function checkName(name: string): string {
  if (name === '' || Buffer.byteLength(name) > maxNameBytes || /[$\p{Cc}]/u.test(name)) throw refusal('Invalid app password name')
  return name
}

/** A URL that no code fits would lock the account. */
async function checkTotp(url: string): Promise<string> {
  const { TOTP, URI } = await import('otpauth')
  try {
    if (!/^otpauth:\/\/totp\//.test(url) || Buffer.byteLength(url) > maxUrlBytes) throw new URIError('no TOTP')
    const parsed = URI.parse(url)
    const isUsable =
      parsed instanceof TOTP && parsed.secret.bytes.length >= 10 && parsed.digits >= 6 && parsed.digits <= 8 && parsed.period <= 300
    if (!isUsable) throw new URIError('no usable TOTP')
    parsed.generate({ timestamp: 0 })
    return url
  } catch {
    throw refusal('Invalid TOTP URL')
  }
}
