import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { contractDocument, derivedFiles, type JsonObject, openApiDocument } from './index.ts'

const root = join(import.meta.dirname, '../../../..')

for (const [name, make] of Object.entries(derivedFiles)) {
  test(`${name} is what the contract says; if not, run npm run generate and read the difference`, () => {
    assert.equal(readFileSync(join(root, name), 'utf8') === make(), true)
  })
}

function objectsIn(value: unknown): readonly JsonObject[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(objectsIn)
  return Array.isArray(value) ? inside : [value as JsonObject, ...inside]
}

test('every reference of both documents leads somewhere', () => {
  const openApi = openApiDocument()
  const { schemas } = contractDocument()
  const components = (openApi['components'] as JsonObject)['schemas'] as JsonObject
  for (const [document, known] of [
    [openApi, components],
    [contractDocument(), schemas as JsonObject],
  ] as const) {
    const references = objectsIn(document).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
    assert.ok(references.length > 0)
    for (const reference of references) assert.ok(Object.hasOwn(known, reference.replace('#/components/schemas/', '')), reference)
  }
})

test('the OpenAPI document has the shape of OpenAPI 3.1', () => {
  const document = openApiDocument()
  assert.match(String(document['openapi']), /^3\.1\.\d$/)
  const info = document['info'] as JsonObject
  assert.ok(typeof info['title'] === 'string' && typeof info['version'] === 'string')
  const security = Object.keys((document['components'] as JsonObject)['securitySchemes'] as JsonObject)
  const ids: string[] = []
  for (const [path, item] of Object.entries(document['paths'] as JsonObject)) {
    assert.match(path, /^\/[^\s?#]*$/)
    for (const [method, value] of Object.entries(item as JsonObject)) {
      assert.ok(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'].includes(method), method)
      const operation = value as JsonObject
      ids.push(String(operation['operationId']))
      checkParameters(path, operation['parameters'] as readonly JsonObject[])
      checkResponses(path, operation['responses'] as JsonObject)
      for (const scheme of (operation['security'] as readonly JsonObject[]).flatMap(Object.keys)) assert.ok(security.includes(scheme))
    }
  }
  assert.deepEqual([...new Set(ids)], ids)
})

function checkParameters(path: string, parameters: readonly JsonObject[]): void {
  const templated = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1])
  const inPath = parameters.filter(parameter => parameter['in'] === 'path')
  assert.deepEqual(inPath.map(({ name }) => name).sort(), templated.sort(), path)
  for (const parameter of inPath) assert.equal(parameter['required'], true)
  const names = parameters.map(({ name, in: place }) => `${place} ${name}`)
  assert.deepEqual([...new Set(names)], names, path)
  for (const parameter of parameters) assert.ok(typeof parameter['schema'] === 'object', path)
}

function checkResponses(path: string, responses: JsonObject): void {
  assert.ok(Object.keys(responses).length > 0, path)
  for (const [status, response] of Object.entries(responses)) {
    assert.match(status, /^[1-5]\d\d$/)
    assert.ok(typeof (response as JsonObject)['description'] === 'string', path)
  }
}

function statuses(path: string, method: string): Readonly<Record<string, JsonObject>> {
  const item = (openApiDocument()['paths'] as JsonObject)[path] as JsonObject
  return (item[method] as JsonObject)['responses'] as Record<string, JsonObject>
}

const undocumented: ReadonlyArray<[symptom: string, path: string, method: string, status: string]> = [
  ['an open page that is asked for too often', '/robots.txt', 'get', '429'],
  ['an address that is blocked', '/auth/jwks.json', 'get', '403'],
  ['claims without a login', '/auth/userinfo', 'get', '401'],
  ['claims with a password where a code is needed as well', '/auth/userinfo', 'get', '402'],
  ['too many requests of an account at once', '/jmap', 'post', '400'],
  ['a form that is too long', '/auth/token', 'post', '413'],
  ['registration that is open to everybody', '/auth/register', 'post', '429'],
  ['a page that sends the browser back', '/authorize/code', 'post', '303'],
  ['a page that cannot check a password', '/authorize', 'post', '503'],
]
for (const [symptom, path, method, status] of undocumented) {
  test(`the OpenAPI document knows of ${symptom}: ${status}`, () => assert.ok(status in statuses(path, method)))
}

test('what a page refuses is documented as a page', () => {
  for (const [status, { content }] of Object.entries(statuses('/authorize/code', 'post')))
    if (status !== '303') assert.ok('text/html' in (content as JsonObject), status)
})

test('an unknown blob is told with status 200 as JSON, and the document knows', () => {
  const { content } = statuses('/api/store/blobs/{hash}', 'get')['200'] ?? {}
  assert.deepEqual(Object.keys(content as JsonObject), ['application/octet-stream', 'application/json'])
})

test('types that differ from the usual are documented as they are sent', () => {
  assert.deepEqual(Object.keys(statuses('/healthz/live', 'get')['200']?.['content'] as JsonObject), ['application/problem+json'])
})

test('no schema keeps the older form of tuples', () => {
  for (const object of objectsIn(openApiDocument())) {
    assert.ok(!Array.isArray(object['items']), JSON.stringify(object))
    assert.ok(!('additionalItems' in object))
  }
})

test('the contract document survives being written and read', () => {
  const document = contractDocument()
  assert.deepEqual(JSON.parse(JSON.stringify(document)), document)
})

test('reference pages keep their tables in shape', () => {
  for (const [name, make] of Object.entries(derivedFiles).filter(([file]) => file.endsWith('.md'))) {
    let columns = 0
    for (const line of make().split('\n')) {
      const cells = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0
      if (cells > 0 && columns > 0) assert.equal(cells, columns, `${name}: ${line}`)
      columns = cells
    }
  }
})
