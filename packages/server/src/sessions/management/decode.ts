import { failure } from '@postern/contract'
import type { Endpoint, PathParameter, QueryParameter } from '@postern/contract/endpoints'
import { Compile, type Validator } from 'typebox/compile'
import { decodeElement, type HttpRequest, parseForm, parseQuery, type Query } from '#base/http'

type Schema = Extract<Endpoint['body'], { schema: unknown }>['schema']
type CompiledSchema = Validator

// Compiled once per declared schema; the contract's schemas live as long as the process.
const compiled = new WeakMap<Schema, CompiledSchema>()

/** Decodes what an endpoint declares: path elements, query parameters, body. Throws the failure that the client gets. */
export async function decodeInput(endpoint: Endpoint, request: HttpRequest, maxMessageBytes: () => number): Promise<never> {
  const input: Record<string, unknown> = {}
  for (const [name, parameter] of Object.entries(endpoint.params)) input[name] = decodePath(parameter, request.params[name])
  const query = parseQuery(request.rawQuery)
  for (const [name, parameter] of Object.entries(endpoint.query)) input[name] = decodeQuery(parameter, name, query)
  if (endpoint.otherQuery !== undefined) input['others'] = otherParameters(endpoint, request.rawQuery)
  if (endpoint.body !== undefined) {
    const { maxBytes } = endpoint.body
    const bytes = await request.body(maxBytes === 'message' ? maxMessageBytes() : maxBytes)
    input['body'] = decodeBody(endpoint.body, bytes, request.headers['content-type'])
  }
  return input as never
}

function decodePath({ kind, words }: PathParameter<unknown>, given: string | undefined): unknown {
  if (given === undefined) return undefined
  if (kind === 'name') return given.toLowerCase()
  if (kind === 'text') return given
  if (kind === 'word') {
    if (words?.includes(given)) return given
    throw failure('resourceNotFound')
  }
  const id = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN
  if (!Number.isSafeInteger(id)) throw failure('resourceNotFound')
  return id
}

function decodeQuery({ kind }: QueryParameter<unknown>, name: string, query: Query): unknown {
  switch (kind) {
    case 'text':
      return query.get(name)
    case 'natural':
      return query.integer(name)
    case 'flag':
      return query.has(name)
    case 'timestamp': {
      const ms = Date.parse(query.get(name) ?? '')
      return Number.isNaN(ms) ? undefined : ms
    }
    case 'names':
      return query
        .get(name)
        ?.split(',')
        .map(item => item.trim())
        .filter(item => item !== '')
  }
}

function otherParameters(endpoint: Endpoint, raw: string): Record<string, string> {
  const known = new Set(Object.keys(endpoint.query))
  const others: Record<string, string> = {}
  for (const pair of raw.split('&')) {
    const name = decodeElement(pair.split('=')[0] ?? '')
    const value = parseQuery(pair).get(name)
    if (!known.has(name) && value !== undefined) others[name] = value
  }
  return others
}

function decodeBody(body: NonNullable<Endpoint['body']>, bytes: Buffer, contentType: string | undefined): unknown {
  if (body.kind === 'bytes') return bytes
  const value = body.kind === 'json' ? parseJson(bytes, isStrict(body.schema)) : parseForm(contentType, bytes)
  if (value === undefined) throw failure('invalidParameters', { detail: 'Invalid post request' })
  let check = compiled.get(body.schema)
  if (check === undefined) {
    check = Compile(body.schema)
    compiled.set(body.schema, check)
  }
  if (check.Check(value)) return value
  const [first] = check.Errors(value)
  const where = first?.instancePath === undefined || first.instancePath === '' ? 'the body' : first.instancePath.slice(0, maxPathLength)
  throw failure('invalidParameters', { detail: `${where}: ${first?.message ?? 'is not what is expected'}` })
}

/** An answer repeats no more of what was sent. */
const maxPathLength = 200

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Only well-formed text (RFC 8259 §8.1, §8.2): what is stored is what was sent. */
function parseJson(bytes: Buffer, onlyPlainNames: boolean): unknown {
  try {
    const text = strictUtf8.decode(bytes)
    if (onlyPlainNames && text.includes('\\') && hasEscapedName(text)) throw new SyntaxError('a name is written with escapes')
    return /\\u[dD][89a-fA-F]/.test(text) ? JSON.parse(text, wellFormed) : JSON.parse(text)
  } catch {
    throw failure('invalidParameters', { detail: 'JSON deserialization failed' })
  }
}

function wellFormed(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) throw new SyntaxError('half of a surrogate pair')
  return value
}

/** Whether names that are not known are an error; then a name is written as it is, too. */
function isStrict(schema: Schema): boolean {
  return 'additionalProperties' in schema && schema.additionalProperties === false
}

function hasEscapedName(json: string): boolean {
  for (const [, text = '', colon] of json.matchAll(/"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)/gs))
    if (colon === ':' && text.includes('\\')) return true
  return false
}
