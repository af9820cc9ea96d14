// Pieces of the dates that protocols and messages write.

/** Names of the months, from January on. */
export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

export function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
