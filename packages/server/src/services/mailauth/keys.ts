import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import { settings as declared, failure, isFailure } from '@postern/contract'
import type { Clock } from '#base/clock'
import { askableName, type Resolver } from '#base/dns'
import { type Settings, type SettingsReader, settingKey } from '#data/settings'
import { listSigningKeys, putSigningKey, removeSigningKey, type SigningKey, type Store } from '#data/store'
import type { PublishedKey } from './records.ts'

export type KeyKind = 'rsa' | 'ed25519'

export interface NewKey {
  readonly kind: KeyKind
  readonly domain: string
  readonly id: string | undefined
  readonly selector: string | undefined
}

export interface Rotation {
  /** `waiting` until the DNS shows the next key, then `switched`. */
  readonly state: 'waiting' | 'switched'
  /** Of the next key while waiting, else of the one that signs now. */
  readonly selector: string
  readonly publicKey: string
  readonly formerSelector: string | undefined
  /** Until when the former key stays in the DNS, Unix milliseconds. */
  readonly formerUntil: number | undefined
}

interface Parts {
  readonly store: Store
  readonly settings: Settings
  readonly resolver: Pick<Resolver, 'txt' | 'forget'>
  readonly clock: Clock
}

type Reader = Pick<SettingsReader, 'read' | 'idsOf'>

/** Mail under way is verified for as long as it may be queued, and some verify late. */
const overlapMs = 7 * 24 * 60 * 60 * 1000

const algorithmNames = { rsa: 'rsa-sha256', ed25519: 'ed25519-sha256' } as const
const signedFields = ['From', 'To', 'Date', 'Subject', 'Message-ID']
const { signature } = declared

export interface SigningKeys {
  /** @param ownIdsOnly the id must tell the domain: others would find their names taken */
  create(wanted: NewKey, by: { readonly author: string; readonly ownIdsOnly: boolean }): Promise<void>
  publicKey(id: string): Promise<string>
  domainOf(id: string): Promise<string | undefined>
  rotate(id: string, options: { readonly selector?: string; readonly force: boolean; readonly author: string }): Promise<Rotation>
  continueRotations(): Promise<void>
  /** Keys of a domain by signature: the one that signs, then those beside it. */
  published(domain: string, reader: Reader): Promise<readonly PublishedKey[]>
}

export function createSigningKeys({ store, settings, resolver, clock }: Parts): SigningKeys {
  // Two rotations at once could both switch.
  let last: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  async function put(entries: ReadonlyArray<[string, string]>, { id, author, note }: { id?: string; author: string; note: string }) {
    const assertion = id === undefined ? [] : [{ kind: 'assertAbsent', key: keyOf(signature.privateKey, id) } as const]
    await settings.change([...assertion, { kind: 'put', entries }], { author, note })
    await settings.reload({ only: [signature.algorithm.family] })
  }

  async function isShown(domain: string, key: SigningKey): Promise<boolean> {
    const name = `${key.selector}._domainkey.${domain}`
    resolver.forget(name)
    try {
      const { records } = await resolver.txt(name)
      return records.some(record => publicKeyIn(record) === key.publicKey)
    } catch {
      return false
    }
  }

  async function switchTo(next: SigningKey, author: string): Promise<void> {
    const reader = await settings.preview()
    const { signatureId: id } = next
    const current = currentKey(reader, id)
    // First the former key: whatever stops us in between, the DNS keeps it.
    if (current !== undefined && current.selector !== next.selector) {
      const now = clock.now()
      await store.write(putSigningKey, {
        key: {
          signatureId: id,
          selector: current.selector,
          algorithm: algorithmNames[current.kind],
          publicKey: current.publicKey,
          privateKey: undefined,
          createdAt: now,
          endsAt: now + overlapMs,
        },
      })
      const entries: Array<[string, string]> = [
        [keyOf(signature.selector, id), next.selector],
        [keyOf(signature.privateKey, id), next.privateKey ?? ''],
      ]
      await put(entries, { author, note: `signing key ${id} rotated` })
    }
    await store.write(removeSigningKey, { signatureId: id, selector: next.selector })
  }

  async function stateOf(id: string): Promise<Rotation> {
    const keys = await store.read(listSigningKeys, { signatureId: id })
    const current = currentKey(await settings.preview(), id)
    const next = keys.find(({ endsAt, selector }) => endsAt === undefined && selector !== current?.selector)
    const former = keys.filter(({ endsAt, selector }) => endsAt !== undefined && selector !== current?.selector)
    const latest = former.sort((a, b) => (b.endsAt ?? 0) - (a.endsAt ?? 0))[0]
    return {
      state: next === undefined ? 'switched' : 'waiting',
      selector: next?.selector ?? current?.selector ?? '',
      publicKey: next?.publicKey ?? current?.publicKey ?? '',
      formerSelector: latest?.selector,
      formerUntil: latest?.endsAt,
    }
  }

  return {
    async create({ kind, domain: given, id: givenId, selector: givenSelector }, { author, ownIdsOnly }) {
      const domain = given.toLowerCase()
      if (askableName(domain) === undefined || /\s/.test(domain)) throw failure('invalidParameters', { detail: 'domain: no domain name' })
      const id = givenId ?? `${kind}-${domain}`
      if (!/^[^\s\p{Cc}]{1,255}$/u.test(id)) throw failure('invalidParameters', { detail: 'id: 1 to 255 characters without space' })
      // The keys below would be read as fields that the key of another id signs.
      if (/\.headers(\.|$)/.test(id)) throw failure('invalidParameters', { detail: 'id: .headers is the name of a list' })
      const word = id.endsWith(`-${domain}`) ? id.slice(0, -domain.length - 1) : ''
      if (ownIdsOnly && !/^[A-Za-z0-9]+$/.test(word))
        throw failure('invalidParameters', { detail: `id: letters and digits, and -${domain} behind them` })
      const selector = givenSelector ?? defaultSelector(kind, clock.now())
      checkSelector(selector)
      const { privateKey } = await generate(kind)
      const headers = signedFields.map((name, at): [string, string] => [`${keyOf(signature.headers, id)}.${at}`, name])
      const entries: Array<[string, string]> = [
        [keyOf(signature.privateKey, id), privateKey],
        [keyOf(signature.domain, id), domain],
        [keyOf(signature.selector, id), selector],
        [keyOf(signature.algorithm, id), algorithmNames[kind]],
        [keyOf(signature.canonicalization, id), 'relaxed/relaxed'],
        [keyOf(signature.report, id), 'false'],
        ...headers,
      ]
      try {
        await put(entries, { id, author, note: `signing key ${id}` })
      } catch (error) {
        if (!isFailure(error, 'assertFailed')) throw error
        throw failure('fieldAlreadyExists', { field: keyOf(signature.privateKey, id), value: id })
      }
    },
    async publicKey(id) {
      const reader = await settings.preview()
      const kind = kindOf(reader, id)
      const pem = reader.read(signature.privateKey, { id })
      if (kind === undefined || pem === undefined) throw failure('resourceNotFound')
      const found = publicKeyOf(pem)
      if (found === undefined) throw failure('other', { details: 'The private key cannot be read', reason: null })
      return found
    },
    async domainOf(id) {
      return (await settings.preview()).read(signature.domain, { id })?.toLowerCase()
    },
    rotate: (id, { selector: given, force, author }) =>
      inTurn(async () => {
        const reader = await settings.preview()
        const current = currentKey(reader, id)
        if (current === undefined) throw failure('resourceNotFound')
        const known = await store.read(listSigningKeys, { signatureId: id })
        let next = known.find(({ endsAt, selector }) => endsAt === undefined && selector !== current.selector)
        if (next === undefined) {
          const taken = new Set([current.selector, ...known.map(({ selector }) => selector)])
          const selector = given ?? freeSelector(defaultSelector(current.kind, clock.now()), taken)
          checkSelector(selector)
          if (taken.has(selector)) throw failure('fieldAlreadyExists', { field: 'selector', value: selector })
          const { privateKey, publicKey } = await generate(current.kind)
          const algorithm = algorithmNames[current.kind]
          next = { signatureId: id, selector, algorithm, publicKey, privateKey, createdAt: clock.now(), endsAt: undefined }
          await store.write(putSigningKey, { key: next })
        } else if (given !== undefined && given !== next.selector)
          throw failure('other', { details: 'A rotation is under way', reason: `the next selector is ${next.selector}` })
        if (force || (await isShown(current.domain, next))) await switchTo(next, author)
        return stateOf(id)
      }),
    continueRotations: () =>
      inTurn(async () => {
        const reader = await settings.preview()
        for (const key of await store.read(listSigningKeys, {})) {
          const current = currentKey(reader, key.signatureId)
          const isOver = current === undefined || (key.endsAt !== undefined && key.endsAt <= clock.now())
          if (isOver) await store.write(removeSigningKey, { signatureId: key.signatureId, selector: key.selector })
          else if (key.endsAt === undefined && (await isShown(current.domain, key))) await switchTo(key, 'system')
        }
      }),
    async published(domain, reader) {
      const own = domain.toLowerCase()
      const others = await store.read(listSigningKeys, {})
      const keys = reader.idsOf(signature.algorithm).flatMap((id): PublishedKey[] => {
        const current = currentKey(reader, id)
        if (current === undefined || current.domain !== own) return []
        const beside = others.filter(({ signatureId, selector }) => signatureId === id && selector !== current.selector)
        return [current, ...beside.map(({ selector, publicKey, algorithm }) => ({ selector, publicKey, kind: kindNamed(algorithm) }))]
      })
      return keys
    },
  }
}

function keyOf(setting: { readonly pattern: string }, id: string): string {
  return settingKey(setting.pattern, { id })
}

function kindNamed(algorithm: string): KeyKind {
  return algorithm.startsWith('rsa') ? 'rsa' : 'ed25519'
}

function kindOf(reader: Reader, id: string): KeyKind | undefined {
  const algorithm: string | undefined = reader.read(signature.algorithm, { id })
  return algorithm === undefined ? undefined : kindNamed(algorithm)
}

/** The key that signs; undefined while something of it is missing or can't be read. */
function currentKey(reader: Reader, id: string): (PublishedKey & { readonly domain: string }) | undefined {
  const kind = kindOf(reader, id)
  const pem = reader.read(signature.privateKey, { id })
  const selector = reader.read(signature.selector, { id })
  const domain = reader.read(signature.domain, { id })?.toLowerCase()
  const publicKey = pem === undefined ? undefined : publicKeyOf(pem)
  if (kind === undefined || !selector || !domain || publicKey === undefined) return undefined
  return { kind, selector, domain, publicKey }
}

/** As it stands in the DNS: RSA as SubjectPublicKeyInfo (RFC 6376 §3.6.1), Ed25519 as its 32 bytes (RFC 8463 §4). */
function publicKeyOf(pem: string): string | undefined {
  try {
    const key = createPublicKey(createPrivateKey(pem))
    const der = key.export({ type: 'spki', format: 'der' })
    return (key.asymmetricKeyType === 'ed25519' ? der.subarray(-32) : der).toString('base64')
  } catch {
    return undefined
  }
}

function publicKeyIn(record: string): string | undefined {
  const tag = record.split(';').find(part => /^\s*p\s*=/.test(part))
  return tag?.slice(tag.indexOf('=') + 1).replace(/\s/g, '')
}

/** In a thread of the runtime's pool: an RSA key takes a tenth of a second. */
async function generate(kind: KeyKind): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const privateKey = kind === 'rsa' ? await generateRsa() : await generateEd25519()
  return { privateKey, publicKey: publicKeyOf(privateKey) ?? '' }
}

const publicKeyEncoding = { type: 'spki', format: 'pem' } as const

function generateRsa(): Promise<string> {
  const options = { modulusLength: 2048, publicKeyEncoding, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } } as const
  return new Promise((resolve, reject) => generateKeyPair('rsa', options, (error, _public, key) => (error ? reject(error) : resolve(key))))
}

function generateEd25519(): Promise<string> {
  const options = { publicKeyEncoding, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as const
  return new Promise((resolve, reject) =>
    generateKeyPair('ed25519', options, (error, _public, key) => (error ? reject(error) : resolve(key))),
  )
}

/** Year and month in UTC with the first letter of RSA or the one of EdDSA: `202501r`, `202501e`. */
function defaultSelector(kind: KeyKind, now: number): string {
  return `${new Date(now).toISOString().slice(0, 7).replace('-', '')}${kind === 'rsa' ? 'r' : 'e'}`
}

function freeSelector(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const selector = count === 1 ? wanted : `${wanted}${count}`
    if (!taken.has(selector)) return selector
  }
}

/** RFC 6376 §3.1 */
function checkSelector(selector: string): void {
  const isFine = selector.length <= 63 && /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$/i.test(selector)
  if (!isFine) throw failure('invalidParameters', { detail: 'selector: letters, digits and hyphens' })
}
