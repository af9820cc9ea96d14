// Transaction signatures of DNS messages (RFC 8945): both sides share a secret.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { nameBytes, skipName, skipRecord } from './wire.ts'

interface Algorithm {
  readonly hash: string
  /** Name on the wire. */
  readonly name: string
  /** Bytes of the signature, where it is cut (RFC 8945 §5.2.2.1). */
  readonly length?: number
}

const algorithms: Readonly<Record<string, Algorithm>> = {
  'hmac-md5': { hash: 'md5', name: 'hmac-md5.sig-alg.reg.int' },
  'hmac-sha1': { hash: 'sha1', name: 'hmac-sha1' },
  'hmac-sha224': { hash: 'sha224', name: 'hmac-sha224' },
  'hmac-sha256': { hash: 'sha256', name: 'hmac-sha256' },
  'hmac-sha256-128': { hash: 'sha256', name: 'hmac-sha256', length: 16 },
  'hmac-sha384': { hash: 'sha384', name: 'hmac-sha384' },
  'hmac-sha384-192': { hash: 'sha384', name: 'hmac-sha384', length: 24 },
  'hmac-sha512': { hash: 'sha512', name: 'hmac-sha512' },
  'hmac-sha512-256': { hash: 'sha512', name: 'hmac-sha512', length: 32 },
}

export const tsigAlgorithms: readonly string[] = Object.keys(algorithms)

export interface TsigKey {
  readonly name: string
  /** One of `tsigAlgorithms`. */
  readonly algorithm: string
  readonly secret: Buffer
}

const typeTsig = 250
const classAny = 255
const fudgeSeconds = 300
const headerBytes = 12

export interface Signed {
  readonly message: Buffer
  readonly mac: Buffer
}

function uint16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2)
  return bytes
}

function uint48(value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(value, 0, 6)
  return bytes
}

/** Adds the signature as the last record; `now` in Unix milliseconds. */
export function signMessage(message: Buffer, key: TsigKey, now: number): Signed {
  const algorithm = algorithmOf(key)
  const time = uint48(Math.floor(now / 1000))
  const owner = nameBytes(key.name)
  const algorithmName = nameBytes(algorithm.name)
  const variables = Buffer.concat([owner, uint16(classAny), Buffer.alloc(4), algorithmName, time, uint16(fudgeSeconds, 0, 0)])
  const mac = digest(algorithm, key.secret, [message, variables])
  const id = message.subarray(0, 2)
  const data = Buffer.concat([algorithmName, time, uint16(fudgeSeconds, mac.length), mac, id, uint16(0, 0)])
  const record = Buffer.concat([owner, uint16(typeTsig, classAny), Buffer.alloc(4), uint16(data.length), data])
  const counted = Buffer.from(message)
  counted.writeUInt16BE(counted.readUInt16BE(10) + 1, 10)
  return { message: Buffer.concat([counted, record]), mac }
}

/** Whether an answer carries a signature of the key over itself and the request (RFC 8945 §5.3); throws RangeError on a broken one. */
export function isSignedAnswer(answer: Buffer, key: TsigKey, requestMac: Buffer, now: number): boolean {
  const records = answer.readUInt16BE(6) + answer.readUInt16BE(8) + answer.readUInt16BE(10)
  if (answer.readUInt16BE(10) === 0) return false
  let at = headerBytes
  for (let question = 0; question < answer.readUInt16BE(4); question++) at = skipName(answer, at) + 4
  for (let record = 0; record < records - 1; record++) at = skipRecord(answer, at)
  const start = at
  at = skipName(answer, at)
  if (answer.readUInt16BE(at) !== typeTsig) return false
  at = skipName(answer, at + 10)
  const time = answer.subarray(at, at + 6)
  const fudge = answer.readUInt16BE(at + 6)
  const length = answer.readUInt16BE(at + 8)
  const mac = answer.subarray(at + 10, at + 10 + length)
  at += 10 + length
  const originalId = answer.subarray(at, at + 2)
  const error = answer.subarray(at + 2, at + 4)
  const other = answer.subarray(at + 4, at + 6 + answer.readUInt16BE(at + 4))
  const unsigned = Buffer.from(answer.subarray(0, start))
  originalId.copy(unsigned, 0)
  unsigned.writeUInt16BE(unsigned.readUInt16BE(10) - 1, 10)
  const algorithm = algorithmOf(key)
  const variables = Buffer.concat([
    nameBytes(key.name),
    uint16(classAny),
    Buffer.alloc(4),
    nameBytes(algorithm.name),
    time,
    uint16(fudge),
    error,
    other,
  ])
  const wanted = digest(algorithm, key.secret, [uint16(requestMac.length), requestMac, unsigned, variables])
  const isTimely = Math.abs(time.readUIntBE(0, 6) - now / 1000) <= fudge
  return mac.length === wanted.length && timingSafeEqual(mac, wanted) && isTimely
}

function algorithmOf({ algorithm }: TsigKey): Algorithm {
  const found = algorithms[algorithm]
  if (found === undefined) throw new TypeError(`unknown TSIG algorithm ${algorithm}`)
  return found
}

function digest({ hash, length }: Algorithm, secret: Buffer, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(hash, secret)
  for (const part of parts) hmac.update(part)
  return hmac.digest().subarray(0, length)
}
