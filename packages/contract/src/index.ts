/**
 * What exists in Postern, as data: events, settings, permissions, errors and endpoints. Everything else (routes, forms,
 * documentation, checks) is derived from these tables, and an identifier is written down nowhere else.
 *
 * Pure: no Node, no input or output, no clock.
 */
export * from './events/index.ts'
