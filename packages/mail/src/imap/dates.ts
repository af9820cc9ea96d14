import { months, twoDigits } from '#text'
import type { Arguments } from './arguments.ts'
import { GrammarError } from './grammar-error.ts'

const dayMs = 86_400_000

function monthIndex(name: string): number {
  return months.findIndex(month => month.toLowerCase() === name.toLowerCase())
}

/** Milliseconds of a real calendar day, or null for the 31st of February. */
function dayTime(day: number, month: number, year: number): number | null {
  const time = Date.UTC(2000, month, day)
  const date = new Date(time)
  date.setUTCFullYear(year, month, day)
  return month >= 0 && date.getUTCDate() === day && date.getUTCMonth() === month ? date.getTime() : null
}

/** `date-time` of APPEND: `"dd-Mmm-yyyy hh:mm:ss +zzzz"`; Unix milliseconds. */
export function readDateTime(args: Arguments): number {
  const text = args.string()
  const match = /^ ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/.exec(text)
  if (match !== null) {
    const [, day, month = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = match
    const date = dayTime(Number(day), monthIndex(month), Number(year))
    const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000
    if (date !== null && Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60 && Number(zoneMinutes) < 60) {
      return date + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 - (sign === '-' ? -offset : offset)
    }
  }
  throw new GrammarError(`Invalid date and time "${text.slice(0, 40)}"`)
}

/** A search date (`1-Feb-1994`, with or without quotes) as days since 1970-01-01. */
export function readSearchDay(args: Arguments): number {
  const text = args.astring()
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text)
  const time = match === null ? null : dayTime(Number(match[1]), monthIndex(match[2] ?? ''), Number(match[3]))
  if (time === null) throw new GrammarError(`Invalid date "${text.slice(0, 40)}"`)
  return time / dayMs
}

/** INTERNALDATE without its quotes, in UTC: `06-Jan-2025 10:00:05 +0000`. */
export function formatInternalDate(time: number): string {
  const date = new Date(time)
  const day = `${twoDigits(date.getUTCDate())}-${months[date.getUTCMonth()] ?? 'Jan'}-${String(date.getUTCFullYear()).padStart(4, '0')}`
  return `${day} ${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())} +0000`
}
