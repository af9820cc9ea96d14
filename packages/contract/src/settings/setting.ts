import type { ContextName } from '../expressions/contexts.ts'
import type { ExpressionResult } from '../expressions/results.ts'
import type { ValueType } from '../values/index.ts'

/**
 * When a changed value acts: `live` after a full reload; `lookup`, `certificate` and `ip` after that partial reload (or a full
 * one); `restart` only after a restart; `job` when the job that uses it runs next.
 */
export type Reload = 'live' | 'lookup' | 'certificate' | 'ip' | 'restart' | 'job'

/**
 * How keys carry the value.
 * `single`: the key itself. `list`: the key, and every key below it in key order. `set`: each key below it names an element, dots
 * included. `map`: each key below it is an entry, the rest of the path being its name.
 */
export type Shape = 'single' | 'list' | 'set' | 'map'

/** Defaults that depend on a role, a type or an id: `by` names what, `values` gives the stored text for each. */
export interface VariantDefaults {
  readonly by: string
  readonly values: Readonly<Record<string, string>>
}

interface Declared {
  /** Key with placeholders: `queue.schedule.retry`, `server.listener.<id>.bind`. */
  readonly pattern: string
  /** First segment of the pattern. */
  readonly family: string
  /** Name in the `settings` object: `settings.server.listenerBind` has `listenerBind`. */
  readonly name: string
  /** Placeholders of the pattern, in order, without brackets. */
  readonly ids: readonly string[]
  readonly reload: Reload
  /** The value must not be shown or logged. */
  readonly secret: boolean
  /** Without it the record or the feature is unusable. */
  readonly required: boolean
  readonly doc: string
  /** Where the default comes from when it is no fixed text: `4 × CPUs`. */
  readonly defaultDoc?: string
  readonly defaultsBy?: VariantDefaults
  /** Pattern of the setting that is read when this one is absent. */
  readonly fallback?: string
  /** Older or foreign spellings of the key that are read when the key is absent. */
  readonly aliases: readonly string[]
}

declare const valueBrand: unique symbol
declare const idsBrand: unique symbol

/**
 * A setting whose reader gets a `T`; `Ids` are the names that must be given to read it (placeholders of the pattern, and what its
 * default depends on).
 */
export interface Setting<T = unknown, Ids extends string = string> extends Declared {
  readonly kind: 'value'
  readonly shape: Shape
  /** Type of the value, or of one element or entry. */
  readonly type: ValueType<unknown>
  /** Stored text (texts for a list) that stands for an absent key. */
  readonly default: string | readonly string[] | undefined
  readonly [valueBrand]?: readonly [T]
  readonly [idsBrand]?: readonly [Ids]
}

/** One element of an if-block: `if` and `then` as stored. */
export interface ExpressionBranch {
  readonly condition: string
  readonly result: string
}

/** Source of an expression: plain text, or an if-block in which the first true condition decides. */
export type ExpressionSource = string | { readonly branches: readonly ExpressionBranch[]; readonly otherwise: string }

/**
 * A setting that holds an expression. Stored as `key` or as an if-block `key.NNNN.if`, `key.NNNN.then`, …, `key.NNNN.else`; the
 * plain key wins. An expression that fails or gives the wrong kind of value counts as "no value".
 */
export interface ExpressionSetting<R = unknown, Ids extends string = string> extends Declared {
  readonly kind: 'expression'
  /** Names the variables and constants it may use. */
  readonly context: ContextName
  readonly result: ExpressionResult<R>
  /** A bare expression: no if-block allowed. */
  readonly bare: boolean
  readonly default: ExpressionSource | undefined
  readonly [valueBrand]?: readonly [R]
  readonly [idsBrand]?: readonly [Ids]
}

export type AnySetting = Setting | ExpressionSetting

/** What reading the setting gives: `SettingValue<typeof settings.imap.requestMaxSize>` is `number`. */
export type SettingValue<S> = S extends { readonly [valueBrand]?: readonly [infer T] } ? T : never

/** Ids needed to read the setting: `never`, or for instance `'id'`. */
export type SettingIds<S> = S extends { readonly [idsBrand]?: readonly [infer I] } ? Extract<I, string> : never
