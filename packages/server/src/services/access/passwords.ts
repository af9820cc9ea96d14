// Stored secrets: which form they have, whether a password matches, and the form new ones get (argon2id). Slow hashes run off the
// event loop.

import { argon2, createHash, pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '#base/clock'
import type { Workers } from '#base/workers'
import { isEqual } from './equal.ts'
import type { CryptTask } from './password-tasks.ts'
import { createTurns } from './turns.ts'

export interface Passwords {
  /**
   * Whether a password matches a stored secret; false for forms that are not understood. What costs time waits for its turn among
   * what others want, see `Turns`.
   */
  verify(stored: string, secret: string, from?: readonly string[]): Promise<boolean>
  /** The form to store: hashes, TOTP URLs and application passwords with a hash pass, plain text becomes argon2id. */
  hash(secret: string): Promise<string>
}

// OWASP's first choice: 46 MiB, one pass. The second one (19 MiB, two passes) costs as much, but what is below 32 MiB stays with the
// C library when it is freed, once for each thread that ever hashed; the larger block goes back to the system.
const argon2idCost = { memory: 47_104, passes: 1, parallelism: 1, tagLength: 32 } as const
/** As expensive as a new hash, and no password matches it: verified for unknown logins, so that they take as long as known ones. */
export const decoyHash = `$argon2id$v=19$m=${argon2idCost.memory},t=${argon2idCost.passes},p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
// Hashes run in threads that disks are waited for in too; a storm of logins must leave some of those (there are four).
const mostAtOnce = 2
/** Tasks handed to the CPU pool at once: its own line knows no turns. */
const mostInPool = 4
// A hash with a higher cost than these is refused rather than computed: it came from outside, and everybody may store one as their own.
// They allow what takes a few seconds, several times of what is recommended anywhere.
const maxMemoryKiB = 256 * 1024
/** Memory times passes (times lanes, for scrypt). */
const maxWorkKiB = 1024 * 1024
const maxIterations = 2_000_000
const maxDerivedBytes = 64
const maxBcryptCost = 15
const maxShaRounds = 1_000_000
const maxSecretBytes = 4096

const tasks = import.meta.resolve('./password-tasks.ts')
const scryptAsync = promisify<string, Buffer, number, object, Buffer>(scrypt)
const pbkdf2Async = promisify(pbkdf2)
const argon2Async = promisify(argon2)

export function createPasswords({ workers, random }: { workers: Workers; random: Random }): Passwords {
  const turns = createTurns(mostAtOnce)
  const poolTurns = createTurns(mostInPool)

  async function verify(stored: string, secret: string, from: readonly string[] = []): Promise<boolean> {
    if (Buffer.byteLength(secret) > maxSecretBytes) return false
    const inPool = (task: string): Promise<boolean> =>
      poolTurns(from, () => workers.run<CryptTask, boolean>(tasks, task, { stored, secret }))
    const braced = /^\{([A-Za-z0-9.-]+)\}([\s\S]*)$/.exec(stored)
    if (braced !== null) return verifyBraced((braced[1] ?? '').toUpperCase(), braced[2] ?? '', secret, from)
    if (stored.startsWith('$argon2')) return turns(from, () => verifyArgon2(stored, secret))
    if (stored.startsWith('$scrypt$')) return turns(from, () => verifyScrypt(stored, secret))
    if (stored.startsWith('$pbkdf2')) return turns(from, () => verifyPbkdf2(stored, secret))
    const bcryptCost = /^\$2[abxy]\$(\d\d)\$/.exec(stored)?.[1]
    if (bcryptCost !== undefined) return Number(bcryptCost) <= maxBcryptCost && inPool('verifyBcrypt')
    const shaRounds = /^\$[56]\$(?:rounds=(\d+)\$)?/.exec(stored)
    if (shaRounds !== null) return Number(shaRounds[1] ?? 0) <= maxShaRounds && inPool('verifyShaCrypt')
    if (/^\$(1|apr1)\$/.test(stored)) return inPool('verifyMd5Crypt')
    return /^[$_]/.test(stored) ? false : isEqual(stored, secret)
  }

  async function verifyBraced(scheme: string, value: string, secret: string, from: readonly string[]): Promise<boolean> {
    const digest = digests[scheme]
    if (digest !== undefined) {
      const bytes = Buffer.from(value, 'base64')
      const salt = bytes.subarray(digest.length)
      if (bytes.length < digest.length || salt.length > 0 !== digest.salted) return false
      return isEqual(createHash(digest.algorithm).update(secret).update(salt).digest(), bytes.subarray(0, digest.length))
    }
    if (['PLAIN', 'CLEAR', 'CLEARTEXT'].includes(scheme)) return isEqual(value, secret)
    const isWrapped = ['CRYPT', 'ARGON2', 'ARGON2I', 'ARGON2ID', 'PBKDF2', 'SCRYPT', 'BLF-CRYPT', 'SHA512-CRYPT', 'SHA256-CRYPT'].includes(
      scheme,
    )
    return isWrapped && value.startsWith('$') ? verify(value, secret, from) : false
  }

  const hashInTurn = (secret: string): Promise<string> => turns([], () => hashArgon2id(secret, random.bytes(16)))

  return {
    verify,
    async hash(secret) {
      const app = /^(\$app\$[^$]*\$)([\s\S]*)$/.exec(secret)
      if (app !== null) return `${app[1]}${isHashed(app[2] ?? '') ? app[2] : await hashInTurn(app[2] ?? '')}`
      if (secret.startsWith('otpauth://') || isHashed(secret)) return secret
      return hashInTurn(secret)
    },
  }
}

const digests: Readonly<Record<string, { readonly algorithm: string; readonly length: number; readonly salted: boolean }>> = {
  MD5: { algorithm: 'md5', length: 16, salted: false },
  SHA: { algorithm: 'sha1', length: 20, salted: false },
  SHA256: { algorithm: 'sha256', length: 32, salted: false },
  SHA512: { algorithm: 'sha512', length: 64, salted: false },
  SSHA: { algorithm: 'sha1', length: 20, salted: true },
  SSHA256: { algorithm: 'sha256', length: 32, salted: true },
  SSHA512: { algorithm: 'sha512', length: 64, salted: true },
}

/** Whether a secret has the form of a hash; everything else is plain text. */
export function isHashed(secret: string): boolean {
  return /^\$[a-z0-9-]+\$/i.test(secret) || /^\{[A-Za-z0-9.-]+\}/.test(secret) || /^_[./A-Za-z0-9]{19}$/.test(secret)
}

async function hashArgon2id(secret: string, nonce: Buffer): Promise<string> {
  const { memory, passes, parallelism } = argon2idCost
  const tag = await argon2Async('argon2id', { message: secret, nonce, ...argon2idCost })
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(Buffer.from(tag))}`
}

async function verifyArgon2(stored: string, secret: string): Promise<boolean> {
  const found = /^\$(argon2(?:id|i|d))\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored)
  if (found === null) return false
  const [, algorithm = '', memory, passes, parallelism, salt = '', hash = ''] = found
  const expected = Buffer.from(hash, 'base64')
  const isDear = Number(memory) > maxMemoryKiB || Number(memory) * Number(passes) > maxWorkKiB
  if (isDear || Number(parallelism) > 64 || expected.length > 1024) return false
  try {
    const tag = await argon2Async(algorithm as 'argon2id', {
      message: secret,
      nonce: Buffer.from(salt, 'base64'),
      memory: Number(memory),
      passes: Number(passes),
      parallelism: Number(parallelism),
      tagLength: expected.length,
    })
    return isEqual(Buffer.from(tag), expected)
  } catch {
    // Parameters outside of what the algorithm allows.
    return false
  }
}

async function verifyScrypt(stored: string, secret: string): Promise<boolean> {
  const found = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored)
  if (found === null) return false
  const [, ln, r, p, salt = '', hash = ''] = found
  const expected = Buffer.from(hash, 'base64')
  const memoryKiB = (2 ** Number(ln) * Number(r)) / 8
  if (memoryKiB > maxMemoryKiB || memoryKiB * Number(p) > maxWorkKiB || expected.length > 1024) return false
  try {
    // The library counts a little more than the blocks.
    const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: 2 * maxMemoryKiB * 1024 }
    return isEqual(await scryptAsync(secret, Buffer.from(salt, 'base64'), expected.length, options), expected)
  } catch {
    return false
  }
}

async function verifyPbkdf2(stored: string, secret: string): Promise<boolean> {
  // Two spellings are in use: `$pbkdf2-sha256$i=…,l=…$` (PHC) and `$pbkdf2-sha256$ROUNDS$` (passlib, with '.' for '+').
  const found = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d+)(?:,l=\d+)?\$([A-Za-z0-9+/.]+)\$([A-Za-z0-9+/.]+)$/.exec(stored)
  if (found === null || Number(found[2]) > maxIterations) return false
  const [, digest = 'sha1', iterations, salt = '', hash = ''] = found
  const expected = Buffer.from(hash.replaceAll('.', '+'), 'base64')
  if (expected.length > maxDerivedBytes) return false
  const key = await pbkdf2Async(secret, Buffer.from(salt.replaceAll('.', '+'), 'base64'), Number(iterations), expected.length, digest)
  return isEqual(key, expected)
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
