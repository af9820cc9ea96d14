export interface ExpressionFunction {
  /** Parameter names in order; all are needed. */
  readonly parameters: readonly string[]
  /** Asks a store, a directory, the DNS or a database. */
  readonly async: boolean
  readonly doc: string
}

function sync(parameters: readonly string[], doc: string): ExpressionFunction {
  return { parameters, async: false, doc }
}

function asks(parameters: readonly string[], doc: string): ExpressionFunction {
  return { parameters, async: true, doc }
}

const table = {
  count: sync(['value'], 'elements of an array; 1 for a scalar that is not empty, else 0'),
  sort: sync(['array', 'descending'], 'the array in order, descending when the second argument is true'),
  dedup: sync(['array'], 'the array without repeats'),
  winnow: sync(['array'], 'the array without empty elements'),
  is_intersect: sync(['a', 'b'], '1 when the arrays share an element'),
  is_email: sync(['text'], '1 when the text looks like an address with a dotted domain'),
  email_part: sync(['address', 'part'], "the part around the last `@`: 'local' or 'domain'; maps over arrays"),
  is_empty: sync(['value'], '1 when a text or an array is empty; numbers never are'),
  is_number: sync(['value'], '1 for a number, 0 for a numeric text'),
  is_ip_addr: sync(['text'], '1 for an IPv4 or IPv6 address'),
  is_ipv4_addr: sync(['text'], '1 for an IPv4 address'),
  is_ipv6_addr: sync(['text'], '1 for an IPv6 address'),
  ip_reverse_name: sync(['ip'], 'the labels of the address in reverse order, without the arpa suffix'),
  trim: sync(['text'], 'without white space at both ends; maps over arrays'),
  trim_start: sync(['text'], 'without white space at the start; maps over arrays'),
  trim_end: sync(['text'], 'without white space at the end; maps over arrays'),
  len: sync(['value'], 'bytes of a text, elements of an array'),
  to_lowercase: sync(['text'], 'in lower case; maps over arrays'),
  to_uppercase: sync(['text'], 'in upper case; maps over arrays'),
  is_lowercase: sync(['text'], '1 when all letters are lower case; maps over arrays'),
  is_uppercase: sync(['text'], '1 when all letters are upper case; maps over arrays'),
  has_digits: sync(['text'], '1 when a digit occurs; maps over arrays'),
  count_spaces: sync(['text'], 'number of white space characters'),
  count_uppercase: sync(['text'], 'number of upper case letters'),
  count_lowercase: sync(['text'], 'number of lower case letters'),
  count_chars: sync(['text'], 'number of characters'),
  contains: sync(['value', 'part'], '1 when the text contains the part, or the array the element'),
  contains_ignore_case: sync(['value', 'part'], 'the same without regard to case'),
  eq_ignore_case: sync(['a', 'b'], '1 when the texts are equal but for ASCII case'),
  starts_with: sync(['text', 'prefix'], '1 when the text starts with the prefix'),
  ends_with: sync(['text', 'suffix'], '1 when the text ends with the suffix'),
  lines: sync(['text'], 'array of lines'),
  split_words: sync(['text'], 'array of the words that consist of letters and digits alone'),
  substring: sync(['text', 'start', 'count'], 'characters from a position on'),
  strip_prefix: sync(['text', 'prefix'], 'the rest after the prefix, empty when it is absent; maps over arrays'),
  strip_suffix: sync(['text', 'suffix'], 'the rest before the suffix, empty when it is absent; maps over arrays'),
  split: sync(['text', 'delimiter'], 'array of the pieces'),
  rsplit: sync(['text', 'delimiter'], 'array of the pieces, last one first'),
  split_once: sync(['text', 'delimiter'], 'the two sides of the first delimiter, empty text when there is none'),
  rsplit_once: sync(['text', 'delimiter'], 'the two sides of the last delimiter, empty text when there is none'),
  split_n: sync(['text', 'delimiter', 'count'], 'array of the pieces after at most that many cuts'),
  hash: sync(['text', 'algorithm'], "hex digest: 'md5', 'sha1', 'sha256' or 'sha512'"),
  if_then: sync(['condition', 'yes', 'no'], 'one of two values; both are evaluated'),
  matches: sync(
    ['regex', 'text'],
    '1 when the regular expression matches, and sets the capture groups $0, $1, …; the expression must be a literal',
  ),
  is_local_domain: asks(['directory', 'domain'], '1 when the directory knows the domain'),
  is_local_address: asks(['directory', 'address'], '1 when the directory knows the address as a mailbox or a list'),
  key_get: asks(['store', 'key'], 'value of a key, empty when absent'),
  key_exists: asks(['store', 'key'], '1 when the key is present'),
  key_set: asks(['store', 'key', 'value'], 'stores the value without expiry and gives 1'),
  counter_incr: asks(['store', 'key', 'amount'], 'adds to a counter and gives its new value'),
  counter_get: asks(['store', 'key'], 'value of a counter'),
  dns_query: asks(['name', 'type'], "arrays for 'ip', 'ipv4', 'ipv6', 'mx' and 'ptr', one text for 'txt'"),
  sql_query: asks(
    ['store', 'sql', 'arguments'],
    'scalar for one row and column, array for one row, array of arrays for many, empty text for none; other statements give the rows they changed',
  ),
} as const satisfies Record<string, ExpressionFunction>

export type FunctionName = keyof typeof table

/**
 * Functions of the expression language. An unknown store or directory falls back to the default one; `''` names the default, `'*'`
 * the default directory.
 */
export const functions: Readonly<Record<FunctionName, ExpressionFunction>> = table
