import type { ContextName } from '../expressions/contexts.ts'
import type { ExpressionResult } from '../expressions/results.ts'
import type { ValueType } from '../values/index.ts'
import type { AnySetting, ExpressionSetting, ExpressionSource, Reload, Setting, Shape, VariantDefaults } from './setting.ts'

interface CommonOptions {
  readonly doc: string
  readonly reload?: Reload
  readonly secret?: true
  readonly required?: true
  readonly defaultDoc?: string
  readonly defaultsBy?: VariantDefaults
  readonly fallback?: string
  readonly aliases?: readonly string[]
}

interface ValueOptions extends CommonOptions {
  readonly default?: string
}

interface ListOptions extends CommonOptions {
  readonly default?: readonly string[]
}

interface ExpressionOptions extends CommonOptions {
  readonly default?: ExpressionSource
  readonly bare?: true
}

declare const valueBrand: unique symbol
declare const variantBrand: unique symbol

/** A setting without its key. `V` is what its default depends on besides the ids of the key. */
interface ValueDeclaration<T, V extends string> {
  readonly kind: 'value'
  readonly shape: Shape
  readonly type: ValueType<unknown>
  readonly options: ValueOptions | ListOptions
  readonly [valueBrand]?: readonly [T]
  readonly [variantBrand]?: readonly [V]
}

interface ExpressionDeclaration<R> {
  readonly kind: 'expression'
  readonly context: ContextName
  readonly result: ExpressionResult<R>
  readonly options: ExpressionOptions
}

type Given<O> = O extends { readonly default: string } | { readonly required: true } ? true : false
type VariantOf<O> = O extends { readonly defaultsBy: { readonly by: infer B extends string } } ? B : never

/** One value per key. Reads as `T`, or `T | undefined` when there is neither a default nor a duty to set it. */
export function value<T, const O extends ValueOptions>(
  type: ValueType<T>,
  options: O,
): ValueDeclaration<Given<O> extends true ? T : T | undefined, VariantOf<O>> {
  return { kind: 'value', shape: 'single', type, options }
}

/** A list in key order; reads as an array, empty when nothing is set and there is no default. */
export function list<T>(type: ValueType<T>, options: ListOptions): ValueDeclaration<readonly T[], never> {
  return { kind: 'value', shape: 'list', type, options }
}

/** A set whose elements are written in the keys. */
export function set<T>(type: ValueType<T>, options: CommonOptions): ValueDeclaration<readonly T[], never> {
  return { kind: 'value', shape: 'set', type, options }
}

/** Entries below the key: the rest of the path is the name of the entry. */
export function map<T>(type: ValueType<T>, options: CommonOptions): ValueDeclaration<ReadonlyMap<string, T>, never> {
  return { kind: 'value', shape: 'map', type, options }
}

/** An expression over the variables of a context. */
export function expression<R>(context: ContextName, result: ExpressionResult<R>, options: ExpressionOptions): ExpressionDeclaration<R> {
  return { kind: 'expression', context, result, options }
}

/** An if-block with conditions and results in pairs. */
export function when(branches: readonly (readonly [condition: string, result: string])[], otherwise: string): ExpressionSource {
  return { branches: branches.map(([condition, result]) => ({ condition, result })), otherwise }
}

type Placeholder = `<${string}>`

/** Placeholders of a key pattern, without brackets. */
type IdsOf<P extends string> = P extends `${string}<${infer Id}>${infer Rest}` ? Id | IdsOf<Rest> : never

type Capital<W extends string> = W extends `${infer Head}-${infer Tail}` ? `${Capitalize<Head>}${Capital<Tail>}` : Capitalize<W>

/** `tls.disable-ciphers` → `TlsDisableCiphers`; placeholders vanish. */
type Joined<K extends string> = K extends `${infer Head}.${infer Tail}`
  ? `${Head extends Placeholder ? '' : Capital<Head>}${Joined<Tail>}`
  : K extends Placeholder
    ? ''
    : Capital<K>

/** Name of a key inside its family; a family whose key is all placeholders calls it `entries`. */
type NameOf<K extends string> = Joined<K> extends '' ? 'entries' : Uncapitalize<Joined<K>>

type Completed<D, Ids extends string> =
  D extends ValueDeclaration<infer T, infer V>
    ? Setting<T, Ids | V>
    : D extends ExpressionDeclaration<infer R>
      ? ExpressionSetting<R, Ids>
      : never

/** Settings of one family under their camel-case names: key `schedule.retry` becomes `scheduleRetry`. */
export type Family<F extends string, D> = { readonly [K in keyof D & string as NameOf<K>]: Completed<D[K], IdsOf<`${F}.${K}`>> }

function camelCase(segments: readonly string[]): string {
  const words = segments.flatMap(segment => (segment.startsWith('<') ? [] : segment.split('-')))
  const [first = 'entries', ...rest] = words
  return first + rest.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/**
 * Declares the settings below one first segment.
 *
 * @param reload applies to every key that does not say otherwise
 */
export function family<
  const F extends string,
  const D extends Readonly<Record<string, ValueDeclaration<unknown, string> | ExpressionDeclaration<unknown>>>,
>(name: F, reload: Reload, declarations: D): Family<F, D> {
  const completed: Record<string, AnySetting> = {}
  for (const [key, declaration] of Object.entries(declarations)) {
    const pattern = `${name}.${key}`
    const { options } = declaration
    const common = {
      pattern,
      family: name,
      name: camelCase(key.split('.')),
      ids: [...pattern.matchAll(/<([^>]+)>/g)].map(match => match[1] ?? ''),
      reload: options.reload ?? reload,
      secret: options.secret ?? false,
      required: options.required ?? false,
      doc: options.doc,
      aliases: options.aliases ?? [],
      ...(options.defaultDoc === undefined ? {} : { defaultDoc: options.defaultDoc }),
      ...(options.defaultsBy === undefined ? {} : { defaultsBy: options.defaultsBy }),
      ...(options.fallback === undefined ? {} : { fallback: options.fallback }),
    }
    completed[common.name] =
      declaration.kind === 'value'
        ? { ...common, kind: 'value', shape: declaration.shape, type: declaration.type, default: declaration.options.default }
        : {
            ...common,
            kind: 'expression',
            context: declaration.context,
            result: declaration.result,
            bare: declaration.options.bare ?? false,
            default: declaration.options.default,
          }
  }
  return completed as Family<F, D>
}
