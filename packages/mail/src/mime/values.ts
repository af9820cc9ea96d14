import { twoDigits } from '#text'
/** An instant as a Date field gives it. */
export interface MailDate {
  /** Unix milliseconds. */
  readonly time: number
  /** Minutes east of UTC as written; 0 when the zone is missing or unknown (RFC 5322 §4.3). */
  readonly offsetMinutes: number
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

// RFC 5322 §4.3 obs-zone. Other letters mean an unknown offset, which counts as 0.
const zoneHours: Readonly<Record<string, number>> = { edt: -4, est: -5, cdt: -5, cst: -6, mdt: -6, mst: -7, pdt: -7, pst: -8 }

function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  let out = ''
  let depth = 0
  for (const char of text) {
    if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth === 0) out += char
    if (char === '(' || char === ')') out += ' '
  }
  return out
}

function fullYear(text: string): number {
  const year = Number(text)
  if (text.length >= 4) return year
  // RFC 5322 §4.3 obs-year.
  return text.length === 3 ? year + 1900 : year < 50 ? year + 2000 : year + 1900
}

function zoneOffset(zone: string): number {
  const numeric = /^([+-])(\d{2}):?(\d{2})/.exec(zone)
  if (numeric !== null) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
    // Beyond a day it is a typing error, not a place.
    return minutes >= 24 * 60 ? 0 : numeric[1] === '-' ? -minutes : minutes
  }
  return (zoneHours[zone.toLowerCase()] ?? 0) * 60
}

/**
 * Reads a date of RFC 5322 §3.3 with its obsolete forms and what else stands in Date fields: no day name, month as number, ISO 8601 and
 * `asctime` order, comments, one- to three-digit years, missing zone. Null when there is no date in it.
 */
export function parseDate(text: string): MailDate | null {
  const source = withoutComments(text.slice(0, 500)).replace(/\s+/g, ' ').trim()
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)? ?(Z|[+-]\d{2}:?\d{2})?/i.exec(source)
  if (iso !== null) return build(Number(iso[1]), Number(iso[2]), Number(iso[3]), iso[4] ?? '0', iso[5] ?? '0', iso[6] ?? '0', iso[7] ?? '')
  const usual =
    /^(?:[\p{L}.]+ ?,? ?)?(\d{1,2})[ \-./]+(\p{L}{3,12}\.?|\d{1,2})[ \-./,]+(\d{1,4})[ ,]*(?:(\d{1,2}) ?[:.] ?(\d{1,2})(?: ?[:.] ?(\d{1,2})(?:[.,]\d+)?)?)? ?([AaPp][Mm]\b)? ?([+-] ?\d{2}:?\d{2}|[A-Za-z]+)?/u.exec(
      source,
    )
  if (usual !== null) {
    const [, day = '', month = '', year = '', hour = '0', minute = '0', second = '0', half, zone = ''] = usual
    return build(fullYear(year), monthNumber(month), Number(day), clockHour(hour, half), minute, second, zone.replace(' ', ''))
  }
  // asctime: `Thu Sep  4 10:23:45 1998`, perhaps with a zone before or behind the year.
  const c =
    /^(?:\p{L}+,? )?(\p{L}{3,9}) (\d{1,2}),? (\d{1,2}):(\d{2})(?::(\d{2}))? ?([A-Za-z]+|[+-]\d{4})? ?(\d{4}) ?([+-]\d{4}|[A-Za-z]+)?/u.exec(
      source,
    )
  if (c === null) return null
  return build(Number(c[7]), monthNumber(c[1] ?? ''), Number(c[2]), c[3] ?? '0', c[4] ?? '0', c[5] ?? '0', c[8] ?? c[6] ?? '')
}

function monthNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : months.indexOf(text.slice(0, 3).toLowerCase()) + 1
}

function clockHour(hour: string, half: string | undefined): string {
  if (half === undefined || Number(hour) > 12) return hour
  return String((Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0))
}

function build(year: number, month: number, day: number, hour: string, minute: string, second: string, zone: string): MailDate | null {
  if (month < 1 || month > 12 || day < 1 || day > 31 || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return null
  const offsetMinutes = zoneOffset(zone)
  const local = Date.UTC(2000, month - 1, day, Number(hour), Number(minute), Number(second))
  const date = new Date(local)
  // Date.UTC reads years below 100 as 19xx.
  date.setUTCFullYear(year + date.getUTCFullYear() - 2000)
  const time = date.getTime() - offsetMinutes * 60_000
  return Number.isFinite(time) ? { time, offsetMinutes } : null
}

/** RFC 3339 with the offset as written, `Z` for zero (RFC 8621 §4.1.2.6). */
export function formatRfc3339(date: MailDate): string {
  const local = new Date(date.time + date.offsetMinutes * 60_000).toISOString().slice(0, 19)
  if (date.offsetMinutes === 0) return `${local}Z`
  const minutes = Math.abs(date.offsetMinutes)
  return `${local}${date.offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
}

/** Message ids (Message-ID, References, Content-ID, …): the texts between angle brackets; without any, the whole value. */
export function parseMessageIds(text: string): string[] {
  const ids: string[] = []
  let open = text.indexOf('<')
  while (open >= 0) {
    const close = text.indexOf('>', open + 1)
    const id = (close < 0 ? text.slice(open + 1) : text.slice(open + 1, close)).replace(/\s+/g, '')
    // `<<a@b>` happens.
    const clean = id.slice(id.lastIndexOf('<') + 1)
    if (clean !== '') ids.push(clean)
    if (close < 0) break
    open = text.indexOf('<', close + 1)
  }
  if (ids.length > 0) return ids
  const whole = text.replace(/[<>]/g, '').trim()
  return whole === '' ? [] : [whole]
}

/** A comma list (Keywords, Content-Language), blanks trimmed, empty items dropped. */
export function parseCommaList(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
