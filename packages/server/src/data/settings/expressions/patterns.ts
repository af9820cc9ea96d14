// Regular expressions of settings. The engine tries again and again from where it was wrong before, so that a pattern which looks harmless
// can take longer than the universe lasts on the right text, and the text comes from strangers. What could run away runs under a clock.
import { createContext, Script } from 'node:vm'

/** How long one match may hold the thread. */
const limitMs = 50
/** Steps that take no time worth watching; a watch costs more than most matches. */
const fewSteps = 1_000_000

export interface Pattern {
  /** The groups of the first match. Throws RangeError when the search takes too long. */
  exec(text: string): readonly (string | undefined)[] | null
}

/** @throws {SyntaxError} when the source is no regular expression */
export function compilePattern(source: string, flags: string): Pattern {
  const expression = new RegExp(source, flags)
  const { choices, repeats } = branching(source)
  return {
    exec(text) {
      if (choices * (text.length + 1) ** (repeats + 1) <= fewSteps) return expression.exec(text)
      return underClock(expression, text)
    },
  }
}

/**
 * How often a search may have to decide anew: ways through the alternatives, and repetitions of which each may end at any character. A group
 * that is repeated has no bound.
 */
function branching(source: string): { readonly choices: number; readonly repeats: number } {
  let choices = 1
  let repeats = 0
  const waysOfGroups = [1]
  for (const [token] of source.matchAll(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:<?[=!]|<[^>]*>|[\w-]*:)?|\)(?:[*+]|\{)?|[(|*+?{]/g)) {
    if (token.startsWith('(')) waysOfGroups.push(1)
    else if (token === '|') waysOfGroups.push((waysOfGroups.pop() ?? 1) + 1)
    else if (token.startsWith(')')) {
      if (waysOfGroups.length > 1) choices *= waysOfGroups.pop() ?? 1
      if (token.length > 1) repeats = Number.POSITIVE_INFINITY
    } else if (/^[*+?{]$/.test(token)) repeats += 1
    else if (/^\\[1-9k]/.test(token)) repeats = Number.POSITIVE_INFINITY
  }
  return { choices: choices * (waysOfGroups[0] ?? 1), repeats }
}

const place = createContext({ expression: undefined, text: '' })
const search = new Script('expression.exec(text)')

function underClock(expression: RegExp, text: string): readonly (string | undefined)[] | null {
  Object.assign(place, { expression, text })
  try {
    return search.runInContext(place, { timeout: limitMs })
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new RangeError(`the pattern ${expression.source.slice(0, 100)} takes too long`, { cause: error })
  } finally {
    Object.assign(place, { expression: undefined, text: '' })
  }
}
