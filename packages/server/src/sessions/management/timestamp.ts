/** RFC 3339 in UTC, to the second. */
export function timestampOf(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`
}
