/**
 * Every HTTP endpoint: method, paths, who may call, what it does to the world, parameters, body, answer and refusals. The types of
 * handlers follow from the declarations.
 *
 * Routing, decoding and answering are not done here.
 */

import type { ErrorCode } from '../errors/index.ts'
import * as account from './account.ts'
import * as bans from './bans.ts'
import * as domains from './domains.ts'
import type { Endpoint } from './endpoint.ts'
import * as principals from './principals.ts'
import * as open from './public.ts'
import * as queue from './queue.ts'
import * as reports from './reports.ts'
import * as settings from './settings.ts'
import * as spamFilter from './spam.ts'
import * as store from './store.ts'
import * as telemetry from './telemetry.ts'
import * as troubleshoot from './troubleshoot.ts'

export type {
  Access,
  BodyLimit,
  Endpoint,
  Impact,
  Input,
  Method,
  OpeningSetting,
  Output,
  PathParameter,
  PathParameters,
  PrincipalAction,
  QueryParameter,
  QueryParameters,
  RequestBody,
  ResponseBody,
  StreamToken,
} from './endpoint.ts'
export { type PrincipalField, type PrincipalType, principalFields, principalTypeNames, principalTypes } from './principal-types.ts'
export { type PurgeKind, purgeKinds } from './purge-kinds.ts'

/** Endpoints by area and id: `endpoints.queue.rescheduleMessages`. */
export const endpoints = {
  account,
  principals,
  settings,
  bans,
  queue,
  reports,
  store,
  domains,
  spamFilter,
  troubleshoot,
  telemetry,
  /** Outside `/api`: OAuth, discovery, JMAP, health and the like. */
  open,
} as const

export type EndpointArea = keyof typeof endpoints

/** Refusals every call below `/api` can meet; declarations name only what comes on top. */
export const commonErrors = [
  'unauthorized',
  'totpRequired',
  'forbidden',
  'tooManyRequests',
  'limit',
  'requestTooLarge',
  'resourceNotFound',
  'internal',
] as const

/** All endpoints with their areas, in order. */
export const declaredEndpoints: readonly { readonly area: EndpointArea; readonly endpoint: Endpoint }[] = Object.entries(endpoints).flatMap(
  ([area, members]) => Object.values(members).map((endpoint: Endpoint) => ({ area: area as EndpointArea, endpoint })),
)

/** Every refusal a call can meet: those that are declared, and those that come with the path, the access and the input. */
export function refusalsOf({ paths, access, openedBy, params, body, errors }: Endpoint): readonly ErrorCode[] {
  if (paths.some(path => path.startsWith('/api/'))) return [...new Set([...commonErrors, ...errors])]
  const isOpen = access === 'anonymous' || access === 'public'
  const needsKnown = Object.values(params).some(({ kind }) => kind === 'id' || kind === 'word')
  return [
    ...new Set<ErrorCode>([
      ...errors,
      ...(isOpen ? [] : (['unauthorized', 'totpRequired', 'forbidden', 'limit', 'tooManyRequests'] as const)),
      ...(access === 'anonymous' || openedBy !== undefined ? (['tooManyRequests'] as const) : []),
      ...(body === undefined ? [] : (['requestTooLarge'] as const)),
      ...(needsKnown ? (['resourceNotFound'] as const) : []),
      'addressBlocked',
      'internal',
    ]),
  ]
}
