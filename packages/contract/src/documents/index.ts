/**
 * Documents derived from the tables of the contract: OpenAPI, the contract as one JSON, and the reference pages. Pure functions;
 * writing the files is done by the generate script.
 */
import { contractDocument } from './contract.ts'
import { jsonLines } from './layout.ts'
import { endpointsReference, errorsReference, eventsReference, permissionsReference } from './markdown.ts'
import { openApiDocument } from './openapi.ts'
import { settingsReference } from './settings-reference.ts'

export { contractDocument } from './contract.ts'
export { openApiDocument } from './openapi.ts'
export type { Json, JsonObject } from './schemas.ts'

/** Every derived file: path below the project's root, and how its contents are made. */
export const derivedFiles: Readonly<Record<string, () => string>> = {
  'docs/reference/settings.md': settingsReference,
  'docs/reference/events.md': eventsReference,
  'docs/reference/permissions.md': permissionsReference,
  'docs/reference/endpoints.md': endpointsReference,
  'docs/reference/errors.md': errorsReference,
  'packages/contract/golden/openapi.json': () => jsonLines(openApiDocument(), 4),
  'packages/contract/golden/contract.json': () => jsonLines(contractDocument(), 2),
}
