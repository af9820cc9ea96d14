// Runs in the CPU pool: hashes whose libraries compute in JavaScript.

import apacheMd5 from 'apache-md5'
import { compareSync } from 'bcryptjs'
import { encrypt as shaCrypt } from 'unixcrypt'
import { isEqual } from './equal.ts'

export interface CryptTask {
  readonly stored: string
  readonly secret: string
}

export function verifyBcrypt({ stored, secret }: CryptTask): boolean {
  // $2x$ marks hashes of an old faulty implementation, which agrees with the others on ASCII.
  return matches(() => compareSync(secret, stored.replace(/^\$2x\$/, '$2a$')))
}

export function verifyShaCrypt({ stored, secret }: CryptTask): boolean {
  const found = /^(\$[56]\$(?:rounds=\d{1,7}\$)?[^$]{0,16})\$[./0-9A-Za-z]+$/.exec(stored)
  const salt = found?.[1]
  return salt !== undefined && matches(() => isEqual(shaCrypt(secret, salt), stored))
}

export function verifyMd5Crypt({ stored, secret }: CryptTask): boolean {
  return matches(() => isEqual(apacheMd5(secret, stored), stored))
}

/** The libraries throw at a salt, a cost or a length that they do not know: no password matches such a hash. */
function matches(verify: () => boolean): boolean {
  try {
    return verify()
  } catch {
    return false
  }
}
