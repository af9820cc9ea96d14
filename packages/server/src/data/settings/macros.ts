/** Where macros get their values; `file` reads a whole UTF-8 file, throwing when it can't. */
export interface MacroSources {
  env(name: string): string | undefined
  file(path: string): Promise<string>
}

export interface Expansion {
  readonly values: Map<string, string>
  /** key → what went wrong. */
  readonly errors: ReadonlyMap<string, string>
}

const pattern = (kind: string): RegExp => new RegExp(`%\\{${kind}:([^}%]*)\\}%`, 'g')

export const hasMacro = (text: string): boolean => /%\{(env|file|cfg):/.test(text)

/**
 * Replaces `%{env:NAME}%`, then `%{file:PATH}%`, then `%{cfg:KEY}%` in every value. A missing variable or key gives an empty
 * text, an unreadable file leaves the value as it is; each is reported.
 */
export async function expandMacros(raw: ReadonlyMap<string, string>, sources: MacroSources): Promise<Expansion> {
  const values = new Map(raw)
  const errors = new Map<string, string>()
  const withMacros = [...raw.keys()].filter(key => hasMacro(raw.get(key) ?? ''))
  for (const key of withMacros) {
    values.set(
      key,
      (values.get(key) ?? '').replace(pattern('env'), (_all, name: string) => {
        const value = sources.env(name)
        if (value === undefined) errors.set(key, `the environment variable ${name} is not set`)
        return value ?? ''
      }),
    )
  }
  for (const key of withMacros) {
    try {
      values.set(key, await replaceAsync(values.get(key) ?? '', pattern('file'), path => sources.file(path.replace(/^\/\//, ''))))
    } catch (error) {
      errors.set(key, `a file can't be read: ${(error as Error).message}`)
    }
  }
  for (const key of withMacros) {
    values.set(
      key,
      (values.get(key) ?? '').replace(pattern('cfg'), (_all, name: string) => {
        const value = values.get(name)
        if (value === undefined) errors.set(key, `the key ${name} is not in the file`)
        return value ?? ''
      }),
    )
  }
  return { values, errors }
}

async function replaceAsync(text: string, macro: RegExp, read: (argument: string) => Promise<string>): Promise<string> {
  let result = ''
  let end = 0
  for (const match of text.matchAll(macro)) {
    result += text.slice(end, match.index) + (await read(match[1] ?? ''))
    end = match.index + match[0].length
  }
  return result + text.slice(end)
}
