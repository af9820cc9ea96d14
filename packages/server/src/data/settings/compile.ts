import { contexts, type ExpressionSetting, type ExpressionSource, functions, parseDuration, ValueError } from '@postern/contract'
import { constantValue, evaluate, mentions, type Scope } from './expressions/evaluate.ts'
import { type Node, parseExpression } from './expressions/syntax.ts'
import { isArray, isTrue, toNumber, toText, type Value } from './expressions/values.ts'

/** An expression setting ready to run. `R` comes from the setting. */
export interface CompiledExpression {
  /** Known without evaluating anything: most settings are constants. */
  readonly constant: { readonly value: unknown } | undefined
  /** Undefined when the result is of the wrong kind. */
  evaluate(scope: Scope): Promise<unknown>
}

type Constants = Readonly<Record<string, unknown>>

/** @param check looks at the names a text mentions; throws ValueError. */
export function compileExpression(setting: ExpressionSetting, source: ExpressionSource, check?: (node: Node) => void): CompiledExpression {
  const constants = setting.result.constants as Constants | undefined
  const compile = (text: string): Node => {
    const node = parseExpression(text, name => check === undefined || isKnownName(setting, name))
    check?.(node)
    return node
  }
  const compileResult = (text: string): Node => {
    const node = compile(text)
    if (check !== undefined) checkResult(setting, constantOf(node, constants), text)
    return node
  }
  const convert = (value: Value): unknown => convertResult(setting, value)
  const withConstants = (scope: Scope): Scope => ({
    ...scope,
    variable: name =>
      scope.variable(name) ?? (constants !== undefined && Object.hasOwn(constants, name) ? String(constants[name]) : undefined),
  })
  if (typeof source === 'string') {
    const node = compileResult(source)
    const fixed = constantOf(node, constants)
    return {
      constant: fixed === undefined ? undefined : { value: convert(fixed) },
      evaluate: async scope => convert(await evaluate(node, withConstants(scope))),
    }
  }
  const branches = source.branches.map(({ condition, result }) => ({ condition: compile(condition), result: compileResult(result) }))
  const otherwise = compileResult(source.otherwise)
  return {
    constant: undefined,
    async evaluate(outer) {
      const scope = withConstants(outer)
      for (const { condition, result } of branches) {
        if (isTrue(await evaluate(condition, scope))) return convert(await evaluate(result, scope))
      }
      return convert(await evaluate(otherwise, scope))
    },
  }
}

/** A result that is known beforehand must be of the setting's kind and in its range; `false` stands for no value everywhere. */
function checkResult(setting: ExpressionSetting, fixed: Value | undefined, text: string): void {
  if (fixed === undefined || text.trim() === 'false') return
  const { kind, name } = setting.result
  const value = convertResult(setting, fixed)
  const isZeroTime = fixed === 0 && (kind === 'duration' || kind === 'durations')
  const isNegative = kind === 'integer' && typeof value === 'number' && value < 0
  const lacksElements = Array.isArray(value) && value.length !== elements(fixed).length
  if (value === undefined || isZeroTime || isNegative || lacksElements) throw new ValueError(`expected ${article(name)}, found ${text}`)
}

function article(name: string): string {
  return /^[aeiou]/i.test(name) ? `an ${name}` : `a ${name}`
}

function constantOf(node: Node, constants: Constants | undefined): Value | undefined {
  if (constants === undefined) return constantValue(node)
  if (node.kind === 'name' && Object.hasOwn(constants, node.name)) return String(constants[node.name])
  if (node.kind !== 'array') return constantValue(node)
  const items: Value[] = []
  for (const item of node.items) {
    const value = constantOf(item, constants)
    if (value === undefined) return undefined
    items.push(value)
  }
  return items
}

function isKnownName(setting: ExpressionSetting, name: string): boolean {
  const constants = setting.result.constants
  return Object.hasOwn(contexts[setting.context].variables, name) || (constants !== undefined && Object.hasOwn(constants, name))
}

/** Functions must exist and get as many arguments as they want. */
export function checkNames(_setting: ExpressionSetting, node: Node): void {
  for (const name of mentions(node).functions) {
    if (!Object.hasOwn(functions, name)) throw new ValueError(`Unknown function "${name}"`)
  }
}

function convertResult({ result }: ExpressionSetting, value: Value): unknown {
  switch (result.kind) {
    case 'boolean':
      return isTrue(value)
    case 'integer': {
      const number = toNumber(value)
      return number === undefined ? undefined : Math.trunc(number)
    }
    case 'float':
      return toNumber(value)
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'duration':
      return toDuration(value)
    case 'rate':
      return toRate(value)
    case 'texts':
    case 'ips':
      return elements(value).map(toText)
    case 'durations':
      return elements(value).flatMap(item => toDuration(item) ?? [])
    case 'word':
      return toWord(result.constants, value)
    case 'words':
      return elements(value).flatMap(item => toWord(result.constants, item) ?? [])
    case 'mapping':
      return typeof value === 'string' ? value : isTrue(value)
  }
}

function elements(value: Value): readonly Value[] {
  if (isArray(value)) return value
  // `false` stands for an empty list.
  return value === '' || value === 0 ? [] : [value]
}

function toDuration(value: Value): number | undefined {
  if (typeof value === 'number') return value > 0 ? value : undefined
  if (isArray(value)) return undefined
  try {
    return parseDuration(value)
  } catch {
    return undefined
  }
}

function toRate(value: Value): { count: number; periodMs: number } | undefined {
  if (!isArray(value)) return undefined
  const [count, period] = value.map(item => toNumber(item) ?? 0)
  return count !== undefined && period !== undefined && count > 0 && period > 0 ? { count, periodMs: Math.max(period, 1000) } : undefined
}

function toWord(constants: Constants | undefined, value: Value): unknown {
  if (constants === undefined) return undefined
  const text = toText(value)
  if (Object.hasOwn(constants, text)) return constants[text]
  return Object.values(constants).find(word => String(word) === text)
}
