import { type Command, commonOptions, UsageError } from './command.ts'
import { findCommand, startsWith } from './parse.ts'

const scripts: Readonly<Record<string, string>> = {
  bash: `_postern() {
  local IFS=$'\\n'
  COMPREPLY=($(postern completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ \${#COMPREPLY[@]} -eq 0 ] && compopt -o default
}
complete -F _postern postern
`,
  zsh: `#compdef postern
_postern() {
  local -a found
  found=("\${(@f)$(postern completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then compadd -a found; else _files; fi
}
compdef _postern postern
`,
  fish: `complete -c postern -f -a '(postern completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
}

export const shells: readonly string[] = Object.keys(scripts)

/** What to put into the start file of a shell. Throws UsageError for shells that nobody knows. */
export function completionScript(shell: string | undefined): string {
  const script = shell === undefined ? undefined : scripts[shell]
  if (script === undefined) throw new UsageError(`which shell? One of ${shells.join(', ')}`)
  return script
}

/** How the last of the words, which may be empty, can go on. */
export function complete(words: readonly string[], commands: readonly Command[]): readonly string[] {
  const current = words.at(-1) ?? ''
  const { command, words: found, rest } = findCommand(words.slice(0, -1), commands)
  const next = rest.length > 0 ? [] : nextWords(found, commands)
  return [...next, ...(command === undefined ? [] : optionsAfter(command, words.at(-2), current))].filter(word => word.startsWith(current))
}

function nextWords(first: readonly string[], commands: readonly Command[]): readonly string[] {
  const following = commands
    .filter(command => first.length === 0 || startsWith(command, first))
    .flatMap(({ words }) => words.split(' ')[first.length] ?? [])
  return [...new Set(following)]
}

function optionsAfter({ options }: Command, previous: string | undefined, current: string): readonly string[] {
  const all = [...options, ...commonOptions]
  const open = all.find(({ name, kind }) => kind !== 'flag' && previous === `--${name}`)
  if (open !== undefined) return open.choices ?? []
  return current.startsWith('-') ? all.map(({ name }) => `--${name}`) : []
}
