import type { Access, Endpoint, ResponseBody } from '../endpoints/endpoint.ts'
import { declaredEndpoints, refusalsOf } from '../endpoints/index.ts'
import { type ErrorCode, errorCodes, errors } from '../errors/index.ts'
import { interfaceVersion } from '../version.ts'
import { createComponents, type Json, type JsonObject } from './schemas.ts'

const problemSchema: JsonObject = {
  type: 'object',
  required: ['type', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    status: { type: 'integer' },
    title: { type: 'string' },
    detail: { type: 'string' },
    limit: { type: 'string' },
  },
}

/** Answers of the management API with status 200 and `error`, one alternative per name. */
function managementErrorSchema(): JsonObject {
  const alternatives = new Map<string, JsonObject>()
  for (const code of errorCodes) {
    const { http } = errors[code]
    if (http.kind !== 'management') continue
    const members = http.members.map(member => [member, member === 'reason' ? { type: ['string', 'null'] } : { type: 'string' }] as const)
    alternatives.set(http.error, {
      type: 'object',
      required: ['error', ...http.members],
      properties: { error: { const: http.error }, ...Object.fromEntries(members) },
    })
  }
  return { oneOf: [...alternatives.values()] }
}

const securityOf = (access: Access, streamToken: boolean): Json => {
  if (access === 'anonymous' || access === 'public') return []
  return [{ basic: [] }, { bearer: [] }, ...(streamToken ? [{ token: [] }] : [])]
}

/** Who may call, in words. */
export function describeAccess(access: Access): string {
  if (access === 'public') return 'anybody'
  if (access === 'anonymous') return 'anybody, within the anonymous rate limit'
  if (access === 'login') return 'every account'
  if (typeof access === 'string') return access
  return 'anyOf' in access ? access.anyOf.join(' or ') : `<type>-${access.principal}`
}

function methodOf({ method, body }: Endpoint): string {
  return method === 'ANY' ? (body === undefined ? 'get' : 'post') : method.toLowerCase()
}

const queryKinds = {
  text: { type: 'string' },
  natural: { type: 'integer', minimum: 0 },
  flag: { type: 'string' },
  timestamp: { type: 'string', format: 'date-time' },
  names: { type: 'string' },
} as const satisfies Record<string, JsonObject>

function pathSchema(kind: string, words: readonly string[] | undefined): JsonObject {
  if (kind === 'id') return { type: 'integer', minimum: 0 }
  return words === undefined ? { type: 'string' } : { type: 'string', enum: words }
}

function parametersOf(endpoint: Endpoint, path: string): Json {
  const inPath = Object.entries(endpoint.params).filter(([name]) => path.includes(`{${name}}`))
  const inQuery = Object.entries(endpoint.query)
  return [
    ...inPath.map(([name, { kind, doc, words }]) => ({
      name,
      in: 'path',
      required: true,
      description: doc,
      schema: pathSchema(kind, words),
    })),
    ...inQuery.map(([name, { kind, doc }]) => ({ name, in: 'query', description: doc, schema: queryKinds[kind] })),
  ]
}

type Converter = (schema: unknown) => Json

function requestBodyOf({ body }: Endpoint, convert: Converter): JsonObject {
  if (body === undefined) return {}
  const mediaType = body.kind === 'json' ? 'application/json' : body.kind === 'form' ? 'application/x-www-form-urlencoded' : body.mediaType
  const schema: JsonObject = body.kind === 'bytes' ? {} : { schema: convert(body.schema) }
  return { requestBody: { required: true, content: { [mediaType]: schema } } }
}

function successOf({ output, errors: refusals }: Endpoint, convert: Converter): JsonObject {
  switch (output.kind) {
    case 'data':
      return {
        'application/json': {
          schema: {
            oneOf: [
              { type: 'object', required: ['data'], properties: { data: convert(output.schema) } },
              { $ref: '#/components/schemas/ManagementError' },
            ],
          },
        },
      }
    case 'json':
      return { [output.mediaType ?? 'application/json']: { schema: convert(output.schema) } }
    case 'events':
      return {
        'text/event-stream': {
          schema: {
            type: 'string',
            description: 'Server-sent events; `x-events` describes the data of each.',
            'x-events': Object.fromEntries(Object.entries(output.events).map(([name, schema]) => [name, convert(schema)])),
          },
        },
      }
    default: {
      // A refusal with a name has status 200 here, too.
      const isNamed = refusals.some(code => errors[code].http.kind === 'management')
      const refused: JsonObject = isNamed ? { 'application/json': { schema: { $ref: '#/components/schemas/ManagementError' } } } : {}
      return { [output.mediaType]: {}, ...refused }
    }
  }
}

function problemsOf(codes: readonly ErrorCode[]): JsonObject {
  const byStatus = new Map<string, ErrorCode[]>()
  for (const code of new Set(codes)) {
    const { http } = errors[code]
    if (http.kind === 'problem') byStatus.set(String(http.status), [...(byStatus.get(String(http.status)) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].sort().map(([status, same]) => [
      status,
      {
        description: [...new Set(same.map(code => errors[code].meaning))].join(' '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, 'x-errors': same } },
      },
    ]),
  )
}

/** Adds the refusals of an endpoint that has a form of its own for them. */
function withRefusals(output: ResponseBody, problems: JsonObject, convert: Converter): JsonObject {
  if (output.kind === 'page') return withPages(output.mediaType, problems)
  if (output.kind !== 'json' || output.refused === undefined) return problems
  const { content } = (problems['400'] ?? {}) as { readonly content?: JsonObject }
  const refused: JsonObject = { 'application/json': { schema: convert(output.refused) } }
  return { ...problems, 400: { description: 'Refused.', content: { ...content, ...refused } } }
}

function withPages(mediaType: string, problems: JsonObject): JsonObject {
  const told = Object.entries(problems).map(([status, problem]) => {
    const { content, ...rest } = problem as { readonly content: JsonObject }
    return [status, { ...rest, content: { ...content, [mediaType]: {} } }] as const
  })
  const elsewhere = { description: 'Go there.', headers: { Location: { required: true, schema: { type: 'string' } } } }
  return { 303: elsewhere, ...Object.fromEntries(told) }
}

/** The interface as an OpenAPI 3.1 document. Every call gives a new object. */
export function openApiDocument(): JsonObject {
  const components = createComponents()
  const paths: Record<string, JsonObject> = {}
  for (const { area, endpoint } of declaredEndpoints) {
    for (const [index, path] of endpoint.paths.entries()) {
      const { summary, doc, access, impact, streamToken } = endpoint
      paths[path] = {
        ...paths[path],
        [methodOf(endpoint)]: {
          operationId: index === 0 ? endpoint.id : `${endpoint.id}${index + 1}`,
          tags: [area],
          summary,
          ...(doc === undefined ? {} : { description: doc }),
          'x-access': describeAccess(access),
          'x-impact': impact,
          security: securityOf(access, streamToken !== undefined),
          parameters: parametersOf(endpoint, path),
          ...requestBodyOf(endpoint, components.convert),
          responses: {
            200: { description: 'Success.', content: successOf(endpoint, components.convert) },
            ...withRefusals(endpoint.output, problemsOf(refusalsOf(endpoint)), components.convert),
          },
        },
      }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Postern',
      version: interfaceVersion,
      description:
        'A refusal with a name has status 200 and a body with `error`; every other refusal is a problem document (RFC 9457). A known path with a wrong method answers 404, and OPTIONS answers 204. The expression `server.http.allowed-endpoint` of an installation may answer any call with a problem document of another status.',
    },
    servers: [{ url: '/' }],
    tags: [...new Set(declaredEndpoints.map(({ area }) => area))].map(name => ({ name })),
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'query', name: 'token' },
      },
      schemas: { Problem: problemSchema, ManagementError: managementErrorSchema(), ...components.schemas() },
    },
  }
}
