// Stored secrets: which form they have, whether a password matches, and the form new ones get (argon2id). Slow hashes run off the
// event loop.

import { type Argon2Parameters, argon2, createHash, pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '#base/clock'
import type { Workers } from '#base/workers'
import { isEqual } from './equal.ts'
import type { CryptTask } from './password-tasks.ts'

export interface Passwords {
  /** Whether a password matches a stored secret; false for forms that are not understood. */
  verify(stored: string, secret: string): Promise<boolean>
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
// A hash with a higher cost than these is refused rather than computed: it came from outside.
const maxMemoryKiB = 1024 * 1024
const maxPasses = 64
const maxIterations = 5_000_000
const maxSecretBytes = 4096

const tasks = import.meta.resolve('./password-tasks.ts')
const scryptAsync = promisify<string, Buffer, number, object, Buffer>(scrypt)
const pbkdf2Async = promisify(pbkdf2)

export function createPasswords({ workers, random }: { workers: Workers; random: Random }): Passwords {
  const argon2InTurn = inTurns(promisify(argon2), mostAtOnce)
  const inPool = (task: string, argument: CryptTask): Promise<boolean> => workers.run<CryptTask, boolean>(tasks, task, argument)

  async function verify(stored: string, secret: string): Promise<boolean> {
    if (Buffer.byteLength(secret) > maxSecretBytes) return false
    const braced = /^\{([A-Za-z0-9.-]+)\}([\s\S]*)$/.exec(stored)
    if (braced !== null) return verifyBraced((braced[1] ?? '').toUpperCase(), braced[2] ?? '', secret)
    if (stored.startsWith('$argon2')) return verifyArgon2(argon2InTurn, stored, secret)
    if (stored.startsWith('$scrypt$')) return verifyScrypt(stored, secret)
    if (stored.startsWith('$pbkdf2')) return verifyPbkdf2(stored, secret)
    if (/^\$2[abxy]\$/.test(stored)) return inPool('verifyBcrypt', { stored, secret })
    if (/^\$[56]\$/.test(stored)) return inPool('verifyShaCrypt', { stored, secret })
    if (/^\$(1|apr1)\$/.test(stored)) return inPool('verifyMd5Crypt', { stored, secret })
    return /^[$_]/.test(stored) ? false : isEqual(stored, secret)
  }

  async function verifyBraced(scheme: string, value: string, secret: string): Promise<boolean> {
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
    return isWrapped && value.startsWith('$') ? verify(value, secret) : false
  }

  return {
    verify,
    async hash(secret) {
      const app = /^(\$app\$[^$]*\$)([\s\S]*)$/.exec(secret)
      if (app !== null)
        return `${app[1]}${isHashed(app[2] ?? '') ? app[2] : await hashArgon2id(argon2InTurn, app[2] ?? '', random.bytes(16))}`
      if (secret.startsWith('otpauth://') || isHashed(secret)) return secret
      return hashArgon2id(argon2InTurn, secret, random.bytes(16))
    },
  }
}

type Argon2 = (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Uint8Array>

/** At most so many calls at once; the others wait in line. */
function inTurns<Args extends readonly unknown[], Result>(
  call: (...args: Args) => Promise<Result>,
  most: number,
): (...args: Args) => Promise<Result> {
  const line: Array<() => void> = []
  let running = 0
  return async (...args) => {
    if (running < most) running += 1
    // Whoever is done hands its place over.
    else await new Promise<void>(resolve => line.push(resolve))
    try {
      return await call(...args)
    } finally {
      const next = line.shift()
      if (next === undefined) running -= 1
      else next()
    }
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

async function hashArgon2id(argon2: Argon2, secret: string, nonce: Buffer): Promise<string> {
  const { memory, passes, parallelism } = argon2idCost
  const tag = await argon2('argon2id', { message: secret, nonce, ...argon2idCost })
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(Buffer.from(tag))}`
}

async function verifyArgon2(argon2: Argon2, stored: string, secret: string): Promise<boolean> {
  const found = /^\$(argon2(?:id|i|d))\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored)
  if (found === null) return false
  const [, algorithm = '', memory, passes, parallelism, salt = '', hash = ''] = found
  const expected = Buffer.from(hash, 'base64')
  if (Number(memory) > maxMemoryKiB || Number(passes) > maxPasses || Number(parallelism) > 64 || expected.length > 1024) return false
  try {
    const tag = await argon2(algorithm as 'argon2id', {
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
  if (Number(ln) > 20 || Number(r) > 32 || Number(p) > 16 || expected.length > 1024) return false
  try {
    const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: maxMemoryKiB * 1024 }
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
  if (expected.length > 1024) return false
  const key = await pbkdf2Async(secret, Buffer.from(salt.replaceAll('.', '+'), 'base64'), Number(iterations), expected.length, digest)
  return isEqual(key, expected)
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
