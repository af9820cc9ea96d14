import { pureFunctions } from './functions.ts'
import type { Node } from './syntax.ts'
import { applyBinary, isArray, isTrue, toText, type Value } from './values.ts'

/** What an expression sees of the outside. */
export interface Scope {
  /** Value of a variable; undefined when the context does not have it. */
  variable(name: string): Value | undefined
  /** `$NAME`. */
  global?(name: string): Value | undefined
  /** A function that asks the outside (directory, store, DNS). */
  call?(name: string, args: readonly Value[]): Promise<Value>
}

/** Evaluates a tree. What is not known resolves to an empty text; failures of outside functions reject. */
export async function evaluate(root: Node, scope: Scope): Promise<Value> {
  let captures: readonly string[] = []

  async function value(node: Node): Promise<Value> {
    switch (node.kind) {
      case 'value':
        return node.value
      case 'name':
        return scope.variable(node.name) ?? ''
      case 'capture':
        return captures[node.group] ?? ''
      case 'global':
        return scope.global?.(node.name) ?? 0
      case 'not':
        return isTrue(await value(node.of)) ? 0 : 1
      case 'minus':
        return applyBinary('-', 0, await value(node.of))
      case 'and':
        return isTrue(await value(node.left)) && isTrue(await value(node.right)) ? 1 : 0
      case 'or':
        return isTrue(await value(node.left)) || isTrue(await value(node.right)) ? 1 : 0
      case 'binary':
        return applyBinary(node.operator, await value(node.left), await value(node.right))
      case 'array':
        return values(node.items)
      case 'index': {
        const list = await value(node.of)
        const at = await value(node.at)
        return isArray(list) && typeof at === 'number' ? (list[at] ?? '') : ''
      }
      case 'matches': {
        const found = node.pattern.exec(toText(await value(node.of)))
        if (found) captures = found.map(group => group ?? '')
        return found ? 1 : 0
      }
      case 'call':
        return call(node.name, await values(node.args))
    }
  }

  async function values(nodes: readonly Node[]): Promise<Value[]> {
    const result: Value[] = []
    for (const node of nodes) result.push(await value(node))
    return result
  }

  async function call(name: string, args: readonly Value[]): Promise<Value> {
    const pure = pureFunctions[name]
    if (pure !== undefined) return pure(...args)
    return (await scope.call?.(name, args)) ?? ''
  }

  return value(root)
}

/** The value of a tree that mentions nothing of the outside, so that it need not be evaluated at each use. */
export function constantValue(node: Node): Value | undefined {
  if (node.kind === 'value') return node.value
  if (node.kind === 'minus') {
    const of = constantValue(node.of)
    return of === undefined ? undefined : applyBinary('-', 0, of)
  }
  if (node.kind !== 'array') return undefined
  const items: Value[] = []
  for (const item of node.items) {
    const value = constantValue(item)
    if (value === undefined) return undefined
    items.push(value)
  }
  return items
}

/** Every name, function and global that a tree mentions, for checks against its context. */
export function mentions(node: Node): { readonly names: ReadonlySet<string>; readonly functions: ReadonlySet<string> } {
  const names = new Set<string>()
  const functions = new Set<string>()
  const walk = (current: Node): void => {
    if (current.kind === 'name') names.add(current.name)
    if (current.kind === 'call') functions.add(current.name)
    for (const child of Object.values(current)) {
      if (Array.isArray(child)) child.filter(isNode).forEach(walk)
      else if (isNode(child)) walk(child)
    }
  }
  walk(node)
  return { names, functions }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value
}
