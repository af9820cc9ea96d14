import { SmtpSyntaxError } from './syntax-error.ts'
import { decodeUtf8Address, decodeXtext, encodeUtf8AddressXtext, encodeXtext } from './xtext.ts'

/** Parameters of MAIL; null or false when not given. */
export interface MailParameters {
  /** RFC 1870, octets. */
  readonly size: number | null
  /** RFC 6152, RFC 3030. */
  readonly body: '7BIT' | '8BITMIME' | 'BINARYMIME' | null
  /** RFC 6531. */
  readonly smtpUtf8: boolean
  /** RFC 8689. */
  readonly requireTls: boolean
  /** RFC 3461 §4.3. */
  readonly ret: 'FULL' | 'HDRS' | null
  /** RFC 3461 §4.4, decoded. */
  readonly envId: string | null
  /** RFC 2852 §4. */
  readonly deliverBy: { readonly seconds: number; readonly mode: 'N' | 'R'; readonly trace: boolean } | null
  /** RFC 4865: seconds from now. */
  readonly holdForSeconds: number | null
  /** RFC 4865: Unix milliseconds. */
  readonly holdUntil: number | null
  /** RFC 6710, −9 to 9. */
  readonly priority: number | null
  /** RFC 4954 §5: the mailbox, empty for `<>`. */
  readonly auth: string | null
  /** Names given more than once; the first value counts. */
  readonly repeated: readonly string[]
}

export interface Notify {
  readonly success: boolean
  readonly failure: boolean
  readonly delay: boolean
}

/** Parameters of RCPT; null when not given. */
export interface RcptParameters {
  /** RFC 3461 §4.1; all false is NEVER. */
  readonly notify: Notify | null
  /** RFC 3461 §4.2, RFC 6533 §3; the address decoded. */
  readonly originalRecipient: { readonly type: string; readonly address: string } | null
  /** RFC 7293: Unix milliseconds. */
  readonly validSince: number | null
  readonly repeated: readonly string[]
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }
type Reader<T> = (value: string | null, draft: Draft<T>) => boolean

const maxParameters = 50

/** A flag must not have a value, everything else needs one. */
function flag<T>(set: (draft: Draft<T>) => void): Reader<T> {
  return (value, draft) => {
    if (value !== null) return false
    set(draft)
    return true
  }
}

function valued<T, V>(read: (value: string) => V | null, set: (draft: Draft<T>, value: V) => void): Reader<T> {
  return (value, draft) => {
    const parsed = value === null ? null : read(value)
    if (parsed === null) return false
    set(draft, parsed)
    return true
  }
}

function ignored<T>(): Reader<T> {
  return () => true
}

function word<const W extends string>(...words: readonly W[]): (value: string) => W | null {
  return value => words.find(known => known === value.toUpperCase()) ?? null
}

function digits(max: number): (value: string) => number | null {
  return value => (/^\d{1,20}$/.test(value) && Number(value) <= max ? Number(value) : null)
}

function readEnvId(value: string): string | null {
  const decoded = decodeXtext(value)
  // RFC 3461 §4.4: printable, 100 characters.
  return decoded !== null && decoded.length >= 1 && decoded.length <= 100 && !/[\u0000-\u001f\u007f]/.test(decoded) ? decoded : null
}

function readDeliverBy(value: string): MailParameters['deliverBy'] {
  const match = /^([+-]?)(\d{1,9});([NR])(T?)$/i.exec(value)
  if (match === null) return null
  const seconds = Number(match[2])
  return { seconds: match[1] === '-' ? -seconds : seconds, mode: match[3]?.toUpperCase() === 'R' ? 'R' : 'N', trace: match[4] !== '' }
}

/** RFC 4865 §3 (erratum 2040): an RFC 3339 date-time; whole seconds since 1970 are understood too. */
function readInstant(value: string): number | null {
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1000
  const match = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isFinite(match) ? match : null
}

function readPriority(value: string): number | null {
  const number = /^[+-]?\d{1,2}$/.test(value) ? Number(value) : Number.NaN
  return number >= -9 && number <= 9 ? number : null
}

function readAuthMailbox(value: string): string | null {
  const decoded = decodeXtext(value)
  return decoded === null ? null : decoded === '<>' ? '' : decoded
}

const mailReaders: Readonly<Record<string, Reader<MailParameters>>> = {
  SIZE: valued(digits(Number.MAX_SAFE_INTEGER), (draft, value) => {
    draft.size = value
  }),
  BODY: valued(word('7BIT', '8BITMIME', 'BINARYMIME'), (draft, value) => {
    draft.body = value
  }),
  SMTPUTF8: flag(draft => {
    draft.smtpUtf8 = true
  }),
  REQUIRETLS: flag(draft => {
    draft.requireTls = true
  }),
  RET: valued(word('FULL', 'HDRS'), (draft, value) => {
    draft.ret = value
  }),
  ENVID: valued(readEnvId, (draft, value) => {
    draft.envId = value
  }),
  BY: valued(readDeliverBy, (draft, value) => {
    draft.deliverBy = value
  }),
  HOLDFOR: valued(digits(999_999_999), (draft, value) => {
    draft.holdForSeconds = value
  }),
  HOLDUNTIL: valued(readInstant, (draft, value) => {
    draft.holdUntil = value
  }),
  'MT-PRIORITY': valued(readPriority, (draft, value) => {
    draft.priority = value
  }),
  AUTH: valued(readAuthMailbox, (draft, value) => {
    draft.auth = value
  }),
  SOLICIT: ignored(),
  TRANSID: ignored(),
  MTRK: ignored(),
  CONPERM: ignored(),
}

function readNotify(value: string): Notify | null {
  const words = value.toUpperCase().split(',')
  if (words.length === 1 && words[0] === 'NEVER') return { success: false, failure: false, delay: false }
  if (!words.every(item => item === 'SUCCESS' || item === 'FAILURE' || item === 'DELAY')) return null
  return { success: words.includes('SUCCESS'), failure: words.includes('FAILURE'), delay: words.includes('DELAY') }
}

function readOriginalRecipient(value: string): RcptParameters['originalRecipient'] {
  const match = /^([A-Za-z0-9-]{1,40});(.{1,1000})$/s.exec(value)
  if (match === null) return null
  const type = (match[1] ?? '').toLowerCase()
  if (type !== 'rfc822' && type !== 'utf-8') return null
  // RFC 3461 §4.2: xtext; RFC 6533 §3: the UTF-8 forms.
  const address = type === 'rfc822' ? decodeXtext(match[2] ?? '') : decodeUtf8Address(match[2] ?? '')
  return address === null || address === '' || /[\u0000-\u001f\u007f]/.test(address) ? null : { type, address }
}

function readValidSince(value: string): number | null {
  return readInstant(/^([^;]+)(?:;[CR])?$/i.exec(value)?.[1] ?? '')
}

const rcptReaders: Readonly<Record<string, Reader<RcptParameters>>> = {
  NOTIFY: valued(readNotify, (draft, value) => {
    draft.notify = value
  }),
  ORCPT: valued(readOriginalRecipient, (draft, value) => {
    draft.originalRecipient = value
  }),
  RRVS: valued(readValidSince, (draft, value) => {
    draft.validSince = value
  }),
  CONNEG: ignored(),
}

function readAll<T extends { readonly repeated: readonly string[] }>(
  text: string,
  readers: Readonly<Record<string, Reader<T>>>,
  draft: Draft<T>,
): void {
  const words = text.split(/[ \t]+/).filter(item => item !== '')
  if (words.length > maxParameters) throw new SmtpSyntaxError(501, '5.5.4', 'Too many parameters')
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const item of words) {
    const equals = item.indexOf('=')
    const name = (equals < 0 ? item : item.slice(0, equals)).toUpperCase()
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    // RFC 5321 §4.1.1.11.
    if (reader === undefined) throw new SmtpSyntaxError(555, '5.5.4', `Unsupported parameter "${item.slice(0, 80)}"`)
    if (seen.has(name)) {
      repeated.add(name)
      continue
    }
    seen.add(name)
    if (!reader(equals < 0 ? null : item.slice(equals + 1), draft)) throw new SmtpSyntaxError(501, '5.5.4', `Invalid parameter "${name}"`)
  }
  draft.repeated = [...repeated]
}

export function readMailParameters(text: string): MailParameters {
  const draft: Draft<MailParameters> = {
    size: null,
    body: null,
    smtpUtf8: false,
    requireTls: false,
    ret: null,
    envId: null,
    deliverBy: null,
    holdForSeconds: null,
    holdUntil: null,
    priority: null,
    auth: null,
    repeated: [],
  }
  readAll(text, mailReaders, draft)
  if (draft.holdForSeconds !== null && draft.holdUntil !== null)
    throw new SmtpSyntaxError(501, '5.5.4', 'HOLDFOR and HOLDUNTIL exclude each other')
  // RFC 2852 §4: a message to be returned needs some time first.
  if (draft.deliverBy?.mode === 'R' && draft.deliverBy.seconds <= 0) throw new SmtpSyntaxError(501, '5.5.4', 'Invalid parameter "BY"')
  return draft
}

export function readRcptParameters(text: string): RcptParameters {
  const draft: Draft<RcptParameters> = { notify: null, originalRecipient: null, validSince: null, repeated: [] }
  readAll(text, rcptReaders, draft)
  return draft
}

/** `NOTIFY=` and `ORCPT=` for a RCPT command to a host that knows DSN; empty when there is nothing to say, else with leading blanks. */
export function formatRcptParameters(
  { notify, originalRecipient }: Pick<RcptParameters, 'notify' | 'originalRecipient'>,
  utf8: boolean,
): string {
  let text = ''
  if (notify !== null) {
    const words = [notify.success && 'SUCCESS', notify.failure && 'FAILURE', notify.delay && 'DELAY'].filter(item => item !== false)
    text += ` NOTIFY=${words.length === 0 ? 'NEVER' : words.join(',')}`
  }
  if (originalRecipient !== null) {
    const { type, address } = originalRecipient
    const isAscii = /^[\x20-\x7e]*$/.test(address)
    // RFC 6533 §3: UTF-8 as it is only where SMTPUTF8 was offered.
    const value =
      type !== 'utf-8' && isAscii ? encodeXtext(address) : utf8 && !/[\s\\+=]/.test(address) ? address : encodeUtf8AddressXtext(address)
    text += ` ORCPT=${isAscii ? type : 'utf-8'};${value}`
  }
  return text
}
