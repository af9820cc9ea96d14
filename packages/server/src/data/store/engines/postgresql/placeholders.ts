/** `?` becomes `$1`, `$2`, …; a `?` inside quotes stays. Texts are constants of this module, so the results are kept. */
export function createPlaceholders(): (sql: string) => { readonly text: string; readonly name: string } {
  const known = new Map<string, { text: string; name: string }>()
  return sql => {
    const found = known.get(sql)
    if (found) return found
    const translated = { text: numberPlaceholders(sql), name: `s${known.size + 1}` }
    known.set(sql, translated)
    return translated
  }
}

export function numberPlaceholders(sql: string): string {
  let count = 0
  return sql.replace(/'[^']*'|"[^"]*"|\?/g, match => (match === '?' ? `$${++count}` : match))
}
