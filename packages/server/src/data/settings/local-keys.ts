/** Tells whether a key belongs to the settings file rather than the store (`config.local-keys`). */
export type LocalKeys = (key: string) => boolean

/**
 * Compiles the patterns; a matching exclusion (`!pattern`) wins wherever it stands. Forms: `*`, `abc*`, `*abc`, `*abc*`, a glob
 * (`*` any run, `?` one character, `\` escapes), or exactly a key.
 */
export function compileLocalKeys(patterns: Iterable<string>): LocalKeys {
  const included: Array<(key: string) => boolean> = []
  const excluded: Array<(key: string) => boolean> = []
  for (const raw of patterns) {
    const pattern = raw.trim().toLowerCase()
    if (pattern.startsWith('!')) excluded.push(compilePattern(pattern.slice(1)))
    else if (pattern !== '') included.push(compilePattern(pattern))
  }
  return key => included.some(matches => matches(key)) && !excluded.some(matches => matches(key))
}

function compilePattern(pattern: string): (key: string) => boolean {
  const inner = pattern.replace(/^\*|\*$/g, '')
  const simple = !/[*?\\]/.test(inner)
  if (pattern === '*') return () => true
  if (simple && pattern === `*${inner}*`) return key => key.includes(inner)
  if (simple && pattern === `${inner}*`) return key => key.startsWith(inner)
  if (simple && pattern === `*${inner}`) return key => key.endsWith(inner)
  if (!/[*?\\]/.test(pattern)) return key => key === pattern
  const tokens = [...pattern.matchAll(/\\([\s\S])|[\s\S]/g)].map(([token, escaped]) => {
    if (escaped !== undefined) return RegExp.escape(escaped)
    return token === '*' ? '[^]*?' : token === '?' ? '[^]' : RegExp.escape(token)
  })
  const glob = new RegExp(`^${tokens.join('')}$`)
  return key => glob.test(key)
}
