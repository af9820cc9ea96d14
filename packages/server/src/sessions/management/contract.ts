import { endpoints, type Output } from '@postern/contract/endpoints'
import { type BoundEndpoint, bind } from './handlers.ts'

/** What this server can do, for machines: the OpenAPI description and the whole contract. Nothing in them is secret. */
export function contractHandlers(): readonly BoundEndpoint[] {
  return [
    bind(endpoints.telemetry.getOpenApi, async () => {
      const { openApiDocument } = await import('@postern/contract/documents')
      return openApiDocument() as Output<typeof endpoints.telemetry.getOpenApi>
    }),
    bind(endpoints.telemetry.getContract, async () => {
      const { contractDocument } = await import('@postern/contract/documents')
      return contractDocument() as Output<typeof endpoints.telemetry.getContract>
    }),
  ]
}
