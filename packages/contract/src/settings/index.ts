/**
 * Every setting: key pattern, type, default, when a change acts, whether it is secret, and what it means; and the records they form,
 * the keys that live in the settings file, the keys a first start writes.
 *
 * Reading, storing and watching settings is not done here, and neither are expressions compiled or macros expanded.
 */
import { form, imap, jmap, oauth, sieve } from './access.ts'
import { directory } from './directory.ts'
import { indexSettings } from './find.ts'
import { authentication, cache, cluster, config, enterprise, httpLookup, limiter, lookup, version, webadmin } from './installation.ts'
import { auth, queue, remote, signature } from './queue.ts'
import { asn, report, resolver } from './reports.ts'
import { acme, certificate, server } from './server.ts'
import { session } from './session.ts'
import type { AnySetting } from './setting.ts'
import { spamFilter } from './spam-filter.ts'
import { storage, store } from './storage.ts'
import { metrics, tracer, tracing, webhook } from './telemetry.ts'

export type { FoundSetting } from './find.ts'
export { type SettingGroup, type SettingGroupId, settingGroups } from './groups.ts'
export { defaultLocalPatterns, foreignKeys, type SeededKey, seededKeys } from './placement.ts'
export type { Stage } from './session.ts'
export type {
  AnySetting,
  ExpressionBranch,
  ExpressionSetting,
  ExpressionSource,
  Reload,
  Setting,
  SettingIds,
  SettingValue,
  Shape,
  VariantDefaults,
} from './setting.ts'
export type { FileExtension, TagScore } from './spam-filter.ts'

/** Settings by family and name: the key `queue.schedule.retry` is `settings.queue.scheduleRetry`. Placeholders leave no trace in names. */
export const settings = {
  config,
  version,
  webadmin,
  authentication,
  limiter,
  storage,
  store,
  lookup,
  httpLookup,
  directory,
  server,
  certificate,
  acme,
  session,
  queue,
  remote,
  auth,
  signature,
  report,
  resolver,
  spamFilter,
  sieve,
  imap,
  jmap,
  oauth,
  tracer,
  tracing,
  metrics,
  webhook,
  enterprise,
  cache,
  cluster,
  asn,
  form,
} as const

/** All settings, family by family. */
export const declaredSettings: readonly AnySetting[] = Object.values(settings).flatMap(family => Object.values(family) as AnySetting[])

const index = indexSettings(declaredSettings)

/** The setting a stored key belongs to, with its ids; undefined for a key nobody reads. */
export const findSetting = index.find

/** What somebody who wrote an unknown key may have meant. */
export const suggestSetting = index.suggest

/**
 * Stored text (texts for a list) that stands for an absent value setting, before its `fallback` is asked.
 *
 * @param ids ids of the key, and what the default depends on (`role`, `type`, …)
 */
export function defaultOf(setting: AnySetting, ids: Readonly<Record<string, string>> = {}): string | readonly string[] | undefined {
  if (setting.kind === 'expression') return undefined
  const variant = setting.defaultsBy === undefined ? undefined : ids[setting.defaultsBy.by]
  const own = variant === undefined ? undefined : setting.defaultsBy?.values[variant]
  return own ?? setting.default
}
