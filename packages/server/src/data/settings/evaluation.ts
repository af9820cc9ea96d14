import type { CompiledExpression } from './compile.ts'
import type { Value } from './expressions/values.ts'

/** Values of the variables of a context; a function is called when the variable is first wanted. */
export type Variables = Readonly<Record<string, Value | boolean | undefined | (() => Value)>>

/** Functions that ask the directory, a store or the DNS, by their name in expressions. */
export type ExpressionFunctions = Readonly<Record<string, (args: readonly Value[]) => Promise<Value>>>

export async function evaluateCompiled(
  compiled: CompiledExpression | undefined,
  variables: Variables,
  functions: ExpressionFunctions,
): Promise<unknown> {
  if (compiled?.constant !== undefined) return compiled.constant.value
  try {
    return await compiled?.evaluate({
      variable: name => resolve(variables[name]),
      call: async (name, args) => (Object.hasOwn(functions, name) ? ((await functions[name]?.(args)) ?? '') : ''),
    })
  } catch {
    // A store or resolver that fails makes the expression one without a value; the built-in fallback of the caller applies.
    return undefined
  }
}

function resolve(value: Variables[string]): Value | undefined {
  if (typeof value === 'function') return value()
  return typeof value === 'boolean' ? Number(value) : value
}
