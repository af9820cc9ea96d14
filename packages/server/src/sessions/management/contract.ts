import { contractDocument, endpoints, type Output, openApiDocument } from '@postern/contract'
import { type BoundEndpoint, bind } from './handlers.ts'

/** What this server can do, for machines: the OpenAPI description and the whole contract. Nothing in them is secret. */
export function contractHandlers(): readonly BoundEndpoint[] {
  return [
    bind(endpoints.telemetry.getOpenApi, async () => openApiDocument() as Output<typeof endpoints.telemetry.getOpenApi>),
    bind(endpoints.telemetry.getContract, async () => contractDocument() as Output<typeof endpoints.telemetry.getContract>),
  ]
}
