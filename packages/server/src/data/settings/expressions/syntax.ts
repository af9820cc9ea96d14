// Text → syntax tree. Foreign only in so far as administrators write it; still bounded in length and depth.
import { compilePattern, type Pattern } from './patterns.ts'
import type { BinaryOperator, Value } from './values.ts'

export type Node =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'capture'; readonly group: number }
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'not' | 'minus'; readonly of: Node }
  | { readonly kind: 'and' | 'or'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'index'; readonly of: Node; readonly at: Node }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'matches'; readonly pattern: Pattern; readonly of: Node }

/** Says what is wrong and at which character (0-based); a message that names the culprit needs no place. */
export class ExpressionError extends Error {
  readonly at: number
  constructor(message: string, at: number, { isNamed = false }: { readonly isNamed?: boolean } = {}) {
    super(isNamed ? message : `${message} at character ${at + 1}`)
    this.at = at
  }
}

type Token =
  | { readonly kind: 'number' | 'duration'; readonly number: number; readonly at: number }
  | { readonly kind: 'string'; readonly text: string; readonly raw: string; readonly at: number }
  | { readonly kind: 'name' | 'global' | 'operator'; readonly text: string; readonly at: number }
  | { readonly kind: 'capture'; readonly number: number; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }

const maxLength = 64 * 1024
const maxDepth = 100
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const spellings: Readonly<Record<string, string>> = { '&': '&&', '|': '||', '=': '==', '=<': '<=', '=>': '>=' }
const operatorPattern = /&&|\|\||==|!=|<=|>=|=<|=>|[-+*/<>=!^&|()[\],]/y
const precedence: Readonly<Record<string, number>> = {
  '*': 7,
  '/': 7,
  '+': 6,
  '-': 6,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '==': 4,
  '!=': 4,
  '^': 3,
  '&&': 2,
  '||': 1,
}

/**
 * Parses one expression; throws ExpressionError.
 * @param isKnown tells whether a name is a variable or constant where the expression stands
 */
export function parseExpression(text: string, isKnown: (name: string) => boolean = () => true): Node {
  if (text.length > maxLength) throw new ExpressionError(`the expression is longer than ${maxLength} characters`, 0)
  const tokens = tokenize(text)
  let next = 0
  let depth = 0

  const peek = (): Token => tokens[next] ?? { kind: 'end', at: text.length }
  const isOperator = (wanted: string): boolean => {
    const token = peek()
    return token.kind === 'operator' && token.text === wanted
  }
  const expect = (wanted: string): void => {
    if (!isOperator(wanted)) throw new ExpressionError(`'${wanted}' expected`, peek().at)
    next++
  }

  function binary(minimum: number): Node {
    if (++depth > maxDepth) throw new ExpressionError(`the expression nests deeper than ${maxDepth} levels`, peek().at)
    let left = unary()
    for (;;) {
      const token = peek()
      const level = token.kind === 'operator' ? (precedence[token.text] ?? 0) : 0
      if (token.kind !== 'operator' || level < minimum || level === 0) break
      next++
      const right = binary(level + 1)
      left = combine(token.text, left, right)
    }
    depth--
    return left
  }

  function unary(): Node {
    if (isOperator('!') || isOperator('-')) {
      const kind = isOperator('!') ? 'not' : 'minus'
      next++
      if (++depth > maxDepth) throw new ExpressionError(`the expression nests deeper than ${maxDepth} levels`, peek().at)
      const of = unary()
      depth--
      return { kind, of }
    }
    let node = primary()
    while (isOperator('[')) {
      next++
      const at = binary(1)
      expect(']')
      node = { kind: 'index', of: node, at }
    }
    return node
  }

  function list(close: string): Node[] {
    const items: Node[] = []
    if (!isOperator(close)) {
      do {
        items.push(binary(1))
      } while (isOperator(',') && ++next > 0)
    }
    expect(close)
    return items
  }

  function primary(): Node {
    const token = peek()
    next++
    switch (token.kind) {
      case 'number':
      case 'duration':
        return { kind: 'value', value: token.number }
      case 'string':
        return { kind: 'value', value: token.text }
      case 'capture':
        return { kind: 'capture', group: token.number }
      case 'global':
        return { kind: 'global', name: token.text }
      case 'name':
        return named(token.text, token.at)
      case 'operator':
        if (token.text === '(') {
          const inner = binary(1)
          expect(')')
          return inner
        }
        if (token.text === '[') return { kind: 'array', items: list(']') }
    }
    throw new ExpressionError(token.kind === 'end' ? 'the expression ends early' : 'a value is expected', token.at)
  }

  function named(name: string, at: number): Node {
    if (name === 'true' || name === 'false') return { kind: 'value', value: name === 'true' ? 1 : 0 }
    if (!isOperator('(')) {
      if (!isKnown(name)) throw new ExpressionError(`Invalid variable or constant "${name}"`, at, { isNamed: true })
      return { kind: 'name', name }
    }
    next++
    if (name !== 'matches') return { kind: 'call', name, args: list(')') }
    const pattern = peek()
    if (pattern.kind !== 'string') throw new ExpressionError('the pattern of matches() must be a literal text', pattern.at)
    next++
    expect(',')
    const of = binary(1)
    expect(')')
    return { kind: 'matches', pattern: readPattern(pattern.raw, at), of }
  }

  const root = binary(1)
  if (peek().kind !== 'end') throw new ExpressionError('an operator is expected', peek().at)
  return root
}

function combine(operator: string, left: Node, right: Node): Node {
  if (operator === '&&') return { kind: 'and', left, right }
  if (operator === '||') return { kind: 'or', left, right }
  return { kind: 'binary', operator: operator as BinaryOperator, left, right }
}

/** Patterns come in the syntax of RE2-like engines: leading `(?i)` flags are honoured. */
function readPattern(text: string, at: number): Pattern {
  const found = /^\(\?([imsu]+)\)/.exec(text)
  const source = found ? text.slice(found[0].length) : text
  const flags = (found?.[1] ?? '').replaceAll('u', '')
  try {
    return compilePattern(source, `u${flags}`)
  } catch {
    try {
      return compilePattern(source, flags)
    } catch (error) {
      throw new ExpressionError(`the pattern is not a regular expression: ${(error as Error).message}`, at)
    }
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === ' ' || char === '\r' || char === '\n') {
      at++
      continue
    }
    const number = match(/(\d+(?:\.\d+)?)(ms|[smhd])?(?![\w.])/y)
    if (number) {
      const unit = durationUnits[number[2] ?? '']
      tokens.push({ kind: unit === undefined ? 'number' : 'duration', number: Number(number[1]) * (unit ?? 1), at })
      at += number[0].length
      continue
    }
    const name = match(/[A-Za-z_][\w.]*/y)
    if (name) {
      tokens.push({ kind: 'name', text: name[0], at })
      at += name[0].length
      continue
    }
    const dollar = match(/\$(?:(\d+)|([A-Za-z_]\w*))/y)
    if (dollar) {
      if (dollar[1] !== undefined) tokens.push({ kind: 'capture', number: Number(dollar[1]), at })
      else tokens.push({ kind: 'global', text: dollar[2] ?? '', at })
      at += dollar[0].length
      continue
    }
    if (char === '"' || char === "'") {
      const found = match(char === '"' ? /"((?:[^"\\]|\\[\s\S])*)"/y : /'((?:[^'\\]|\\[\s\S])*)'/y)
      if (!found) throw new ExpressionError('the text is not closed', at)
      const raw = found[1] ?? ''
      tokens.push({ kind: 'string', text: raw.replace(/\\([\s\S])/g, (_, c: string) => ({ n: '\n', r: '\r', t: '\t' })[c] ?? c), raw, at })
      at += found[0].length
      continue
    }
    const operator = match(operatorPattern)
    if (!operator) throw new ExpressionError(char === '\t' ? 'a tab is not allowed' : `'${char}' is not understood`, at)
    tokens.push({ kind: 'operator', text: spellings[operator[0]] ?? operator[0], at })
    at += operator[0].length
  }
  return tokens
}
