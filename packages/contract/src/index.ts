/**
 * What exists in Postern, as data: events, settings, permissions, errors and endpoints. Everything else (routes, forms,
 * documentation, checks) is derived from these tables, and an identifier is written down nowhere else.
 *
 * Endpoints (`@postern/contract/endpoints`) and what is derived from everything (`@postern/contract/documents`) have doors of their own:
 * their schemas are heavy, and a server needs them only when somebody calls its API.
 *
 * Pure: no Node, no input or output, no clock.
 */

export {
  type PrincipalField,
  type PrincipalType,
  principalFields,
  principalTypeNames,
  principalTypes,
} from './endpoints/principal-types.ts'
export { type PurgeKind, purgeKinds } from './endpoints/purge-kinds.ts'
export * from './errors/index.ts'
export * from './events/index.ts'
export * from './expressions/index.ts'
export * from './permissions/index.ts'
export * from './settings/index.ts'
/** Value types by name: `values.duration.parse('5m')`. */
export * as values from './values/index.ts'
export {
  type AddressMatch,
  addressMatches,
  type Canonicalization,
  type CipherSuite,
  type Cron,
  type DkimAlgorithm,
  type EventPattern,
  type Frequency,
  formatIp,
  type HeaderLine,
  type IpNetwork,
  type IpStrategy,
  ipBytes,
  ipOrNetwork,
  type MtPriority,
  matchingEvents,
  networkContains,
  parseDuration,
  type Rate,
  type ResolverAddress,
  type SocketAddress,
  type TextSchema,
  type TlsOption,
  type TlsVersion,
  ValueError,
  type ValueOf,
  type ValueType,
  type VerifyStrategy,
} from './values/index.ts'
export { interfaceVersion } from './version.ts'
