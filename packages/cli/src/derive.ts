// Commands from endpoints: positionals are the elements of the path, options the query and the members of the body.
import type { Endpoint } from '@postern/contract/endpoints'
import {
  type Answer,
  type Command,
  commonOptions,
  type Given,
  type Option,
  type OptionKind,
  type Positional,
  type Tools,
} from './command.ts'
import { type Column, column, type Row, sentence, type View } from './view.ts'

export interface Adjustments {
  /** Columns of a list; those of the first item when absent. */
  readonly columns?: readonly Column[]
  /** Input that is always the same. */
  readonly fixed?: Readonly<Record<string, unknown>>
  /** Members of the input given as positionals, in order; the path's elements when absent. */
  readonly positionals?: readonly string[]
  /** Said when the answer is nothing, or false. */
  readonly done?: string
  readonly nothing?: string
  readonly summary?: string
  /** A view that the shape of the value does not give by itself. */
  readonly view?: (value: never) => View
}

/** The command that calls one endpoint. */
export function ofEndpoint(words: string, endpoint: Endpoint, adjustments: Adjustments = {}): Command {
  const { fixed = {}, summary = endpoint.summary } = adjustments
  const members = membersOf(endpoint).filter(({ member }) => !Object.hasOwn(fixed, member))
  const named = adjustments.positionals ?? Object.keys(endpoint.params)
  const optional = (member: string): boolean =>
    endpoint.params[member] !== undefined && endpoint.paths.some(path => !path.includes(`{${member}}`))
  const positionals: Positional[] = named.map(member => {
    const found = members.find(other => other.member === member)
    return { name: found?.name ?? member, doc: found?.doc ?? endpoint.params[member]?.doc ?? '', optional: optional(member) }
  })
  const options = members.filter(({ member }) => !named.includes(member))
  return {
    words,
    summary,
    ...(endpoint.doc !== undefined && { doc: endpoint.doc }),
    positionals,
    options,
    impact: endpoint.impact,
    endpoints: [endpoint.id],
    async run(given, { client }) {
      const value = await client.call(endpoint, inputOf(endpoint, members, named, given, fixed) as never)
      return { value, view: adjustments.view?.(value as never) ?? viewOf(value, endpoint, adjustments) }
    },
  }
}

interface MemberOption extends Option {
  /** Of the input: a parameter, or a member of the body. */
  readonly member: string
  readonly place: 'path' | 'query' | 'body' | 'wholeBody'
}

/** Everything an endpoint takes, as options. */
export function membersOf(endpoint: Endpoint): readonly MemberOption[] {
  const elements = Object.entries(endpoint.params).map(
    ([member, { doc, words }]): MemberOption => ({
      member,
      name: optionName(member),
      kind: 'text',
      place: 'path',
      doc,
      ...(words !== undefined && { choices: words }),
    }),
  )
  const parameters = Object.entries(endpoint.query).map(
    ([member, { kind, doc }]): MemberOption => ({
      member,
      name: optionName(member),
      kind: queryKinds[kind],
      place: 'query',
      doc,
      ...(kind === 'names' && { many: true }),
    }),
  )
  return [...elements, ...parameters, ...bodyMembers(endpoint)]
}

const queryKinds = { text: 'text', natural: 'number', flag: 'flag', timestamp: 'time', names: 'text' } as const

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly anyOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly description?: string
}

function bodyMembers({ body }: Endpoint): readonly MemberOption[] {
  if (body === undefined) return []
  if (body.kind === 'bytes')
    return [{ member: 'body', name: 'file', kind: 'file', place: 'wholeBody', doc: 'File to send, `-` for the input.' }]
  const { properties } = body.schema as JsonSchema
  // A body of another shape is given whole.
  if (properties === undefined) {
    return [{ member: 'body', name: 'body', kind: 'json', place: 'wholeBody', doc: 'JSON to send; `@file` reads a file, `-` the input.' }]
  }
  return Object.entries(properties).map(([member, schema]) => ({ member, place: 'body', ...optionOf(member, schema) }))
}

/** How the values of a schema are written on a command line. */
function optionOf(member: string, schema: JsonSchema): Option {
  const name = optionName(member)
  const doc = schema.description ?? ''
  const shapes = (schema.anyOf ?? [schema]).filter(({ type }) => type !== 'null')
  const choices = shapes.flatMap(({ enum: words, const: word }) => words ?? (word === undefined ? [] : [word]))
  const kind = kinds[shapes[0]?.type ?? 'object'] ?? 'json'
  const many = shapes.some(({ type }) => type === 'array')
  if (many) return { name, kind: kind === 'json' ? 'text' : kind, many, doc }
  return { name, kind, doc, ...(choices.length > 0 && { choices: choices.map(String) }) }
}

const kinds: Readonly<Record<string, OptionKind>> = { string: 'text', integer: 'number', number: 'number', boolean: 'flag' }

/** `maxTotal` and `max_total` are written `max-total`, `token` `with-token`: the name alone is every command's. */
function optionName(member: string): string {
  const name = member.replaceAll('_', '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return commonOptions.some(common => common.name === name) ? `with-${name}` : name
}

function inputOf(
  endpoint: Endpoint,
  members: readonly MemberOption[],
  named: readonly string[],
  { words, options }: Given,
  fixed: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = (option: MemberOption): unknown => (named.includes(option.member) ? words[option.name] : options[option.name])
  const input: Record<string, unknown> = { ...fixed }
  const body: Record<string, unknown> = {}
  for (const option of members) {
    const value = given(option)
    if (value !== undefined) (option.place === 'body' ? body : input)[option.member] = value
  }
  const hasMembers = endpoint.body !== undefined && members.some(({ place }) => place === 'body')
  return hasMembers ? { ...input, body: { ...body, ...(fixed['body'] as object | undefined) } } : input
}

/** What the shape of an answer suggests. */
export function viewOf(value: unknown, endpoint: Endpoint, { columns, done = 'Done.', nothing = 'No.' }: Adjustments = {}): View {
  if (endpoint.output.kind === 'events') return { kind: 'stream', frames: value as AsyncIterable<unknown> }
  if (value instanceof Uint8Array) return { kind: 'bytes', bytes: value }
  if (value === null || value === true) return sentence(done)
  if (value === false) return sentence(nothing)
  if (typeof value === 'string') return { kind: 'lines', lines: value.split('\n') }
  if (Array.isArray(value)) return listView(value, columns)
  if (typeof value !== 'object') return sentence(String(value))
  const { items, total } = value as { readonly items?: unknown; readonly total?: unknown }
  if (Array.isArray(items) && typeof total === 'number') return listView(items, columns, `${items.length} of ${total}`)
  return { kind: 'record', record: value as Row }
}

export function listView(items: readonly unknown[], columns?: readonly Column[], footer?: string): View {
  const [first] = items
  if (!(first instanceof Object)) return { kind: 'lines', lines: [...items.map(String), ...(footer === undefined ? [] : ['', footer])] }
  return {
    kind: 'table',
    columns: columns ?? Object.keys(first).map(name => column(name, name)),
    rows: items as readonly Row[],
    ...(footer !== undefined && { footer }),
  }
}

/** A command that is more than one call. */
export function composed(command: Omit<Command, 'positionals' | 'options'> & Partial<Pick<Command, 'positionals' | 'options'>>): Command {
  return { positionals: [], options: [], ...command }
}

export type Run = (given: Given, tools: Tools) => Promise<Answer>
