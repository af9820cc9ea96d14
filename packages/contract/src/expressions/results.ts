import type { Frequency, IpStrategy, MtPriority, Rate, TlsOption, VerifyStrategy } from '../values/index.ts'

declare const resultBrand: unique symbol

/**
 * The kind of value an expression must give. `R` is what the evaluator returns, with `undefined` on top for "no value".
 *
 * | kind | accepted |
 * |---|---|
 * | boolean | anything, by truth |
 * | integer, float | integer, float (integer: cut), numeric string |
 * | text | string only |
 * | duration | integer or float above zero (milliseconds), duration string |
 * | rate | array of two positive numbers: count and period in milliseconds |
 * | texts, durations, ips, words | array; a single value counts as one element, an empty string as none |
 * | ip | string |
 * | word | a constant of the setting |
 * | mapping | `true`, `false`, or a text: another form of the input |
 */
export interface ExpressionResult<R> {
  readonly kind:
    | 'boolean'
    | 'integer'
    | 'float'
    | 'text'
    | 'duration'
    | 'rate'
    | 'texts'
    | 'durations'
    | 'ips'
    | 'word'
    | 'words'
    | 'mapping'
  /** Name for documentation. */
  readonly name: string
  /** Constants the expression may name, with the value each stands for. */
  readonly constants?: Readonly<Record<string, R extends readonly (infer W)[] ? W : R>>
  readonly [resultBrand]?: readonly [R]
}

function result<R>(kind: ExpressionResult<R>['kind'], name: string): ExpressionResult<R> {
  return { kind, name }
}

/** SASL mechanisms under the names expressions use. */
const mechanisms = {
  login: 'LOGIN',
  plain: 'PLAIN',
  xoauth2: 'XOAUTH2',
  oauthbearer: 'OAUTHBEARER',
  external: 'EXTERNAL',
  scram_sha_1: 'SCRAM-SHA-1',
  scram_sha_1_plus: 'SCRAM-SHA-1-PLUS',
  scram_sha_256: 'SCRAM-SHA-256',
  scram_sha_256_plus: 'SCRAM-SHA-256-PLUS',
} as const

export type SaslMechanism = (typeof mechanisms)[keyof typeof mechanisms]

/** Kinds of expression results. */
export const results = {
  boolean: result<boolean>('boolean', 'boolean'),
  integer: result<number>('integer', 'integer'),
  size: result<number>('integer', 'size in bytes'),
  text: result<string>('text', 'text'),
  duration: result<number>('duration', 'duration'),
  rate: result<Rate>('rate', 'rate'),
  texts: result<readonly string[]>('texts', 'list of texts'),
  durations: result<readonly number[]>('durations', 'list of durations'),
  ips: result<readonly string[]>('ips', 'list of IP addresses'),
  /** `true` applies the usual rule, `false` none; a text is the address to look up instead. */
  mapping: result<boolean | string>('mapping', 'boolean or text'),
  mechanisms: { kind: 'words', name: 'list of SASL mechanisms', constants: mechanisms } as ExpressionResult<readonly SaslMechanism[]>,
  mtPriority: {
    kind: 'word',
    name: 'MT-PRIORITY profile',
    constants: { mixer: 'mixer', stanag4406: 'stanag4406', nsep: 'nsep' },
  } as ExpressionResult<MtPriority>,
  ipStrategy: {
    kind: 'word',
    name: 'IP strategy',
    constants: { ipv4_only: 'ipv4_only', ipv6_only: 'ipv6_only', ipv4_then_ipv6: 'ipv4_then_ipv6', ipv6_then_ipv4: 'ipv6_then_ipv4' },
  } as ExpressionResult<IpStrategy>,
  tlsOption: {
    kind: 'word',
    name: 'TLS option',
    constants: {
      optional: 'optional',
      require: 'require',
      required: 'require',
      verify: 'verify',
      disable: 'disable',
      disabled: 'disable',
      none: 'disable',
    },
  } as ExpressionResult<TlsOption>,
  verifyStrategy: {
    kind: 'word',
    name: 'verify strategy',
    constants: { relaxed: 'relaxed', strict: 'strict', disable: 'disable', disabled: 'disable', never: 'disable', none: 'disable' },
  } as ExpressionResult<VerifyStrategy>,
  frequency: {
    kind: 'word',
    name: 'frequency',
    constants: {
      hourly: 'hourly',
      hour: 'hourly',
      daily: 'daily',
      day: 'daily',
      weekly: 'weekly',
      week: 'weekly',
      never: 'never',
      disable: 'never',
    },
  } as ExpressionResult<Frequency>,
} as const
