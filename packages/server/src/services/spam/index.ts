// Spam rules as they come from outside: a settings file that is merged into the settings. Owns what may be replaced and what the
// administrator changed. Never judges a message.
import { fileURLToPath } from 'node:url'
import { settings as declared, failure, interfaceVersion } from '@postern/contract'
import { fetchBounded } from '#base/http'
import { readBoundedFile } from '#base/limits'
import { parseSettingsFile, type Settings, type SettingsChange, SettingsFileError } from '#data/settings'

export interface RuleUpdate {
  /** Install whatever the installed version is. */
  readonly force: boolean
  /** Replace keys that are there already. */
  readonly overwrite: boolean
  /** Name of the account. */
  readonly author: string
}

export interface SpamRules {
  /**
   * Fetches the bundle of rules and stores it; it acts with the next reload. Throws `other` with the reason when it can't be had or read.
   * @returns its version; undefined when the rules are up to date, or the settings name no bundle
   */
  update(options: RuleUpdate): Promise<string | undefined>
}

const timeoutMs = 60_000
const maxBytes = 100 * 1024 * 1024
const maxRedirects = 5

const { spamFilter, httpLookup, asn, lookup } = declared
const familyOf = (family: object): string => `${(Object.values(family)[0] as { readonly family: string }).family}.`
const families = { rules: familyOf(spamFilter), lists: familyOf(httpLookup), networks: familyOf(asn), lookups: familyOf(lookup) }
const ownLookups = lookup.defaultHostname.pattern.replace(/[^.]*$/, '')
const languageModel = `${families.rules}llm.`
/** Records of the vendor have ids that begin so; they are replaced as a whole. */
const vendorRecords = [spamFilter.ruleScope.pattern, spamFilter.dnsblServerScope.pattern, httpLookup.url.pattern].map(
  pattern => `${pattern.slice(0, pattern.indexOf('<'))}stwt_`,
)
const enableSuffix = httpLookup.enable.pattern.replace(/^.*>/, '')

export function createSpamRules({ settings }: { readonly settings: Settings }): SpamRules {
  return {
    async update({ force, overwrite, author }) {
      const resource = settings.read(spamFilter.resource)
      if (resource === undefined) return undefined
      const bundle = readBundle(await fetchBundle(resource))
      const version = bundle.get(declared.version.spamFilter.pattern)
      if (version === undefined) throw refused('the bundle names no version')
      const needed = bundle.get(declared.version.server.pattern)
      if (needed !== undefined && compareVersions(needed, interfaceVersion) > 0)
        throw refused(`the rules need version ${needed}, this is ${interfaceVersion}`)
      const installed = settings.stored().get(declared.version.spamFilter.pattern)
      if (!force && installed !== undefined && compareVersions(version, installed) <= 0) return undefined
      const changes = mergeChanges(settings, bundle, { isUpgrade: installed !== undefined, overwrite })
      await settings.change([...changes, put([[declared.version.spamFilter.pattern, version]])], { author, note: `spam rules ${version}` })
      return version
    },
  }
}

function put(entries: ReadonlyArray<readonly [string, string]>): SettingsChange {
  return { kind: 'put', entries }
}

function mergeChanges(
  settings: Settings,
  bundle: ReadonlyMap<string, string>,
  { isUpgrade, overwrite }: { readonly isUpgrade: boolean; readonly overwrite: boolean },
): readonly SettingsChange[] {
  const stored = settings.stored()
  const dropped = new Map(vendorRecords.flatMap(prefix => stored.withPrefix(prefix)))
  const switches = [...dropped].filter(([key]) => key.endsWith(enableSuffix))
  const entries = [...bundle].filter(([key]) => {
    const isRule = Object.values(families).some(family => key.startsWith(family)) && !key.startsWith(ownLookups)
    if (!isRule || overwrite) return isRule
    if (isUpgrade && (key.startsWith(languageModel) || key.startsWith(families.networks))) return false
    return stored.get(key) === undefined || dropped.has(key)
  })
  // What was switched off stays off, as long as the rule exists.
  const kept = switches.filter(([key]) => vendorRecords.some(prefix => key.startsWith(prefix)) && hasRecord(bundle, key))
  return [{ kind: 'delete', keys: [...dropped.keys()] }, put(entries), put(kept)]
}

function hasRecord(bundle: ReadonlyMap<string, string>, enableKey: string): boolean {
  const record = enableKey.slice(0, -enableSuffix.length + 1)
  return [...bundle.keys()].some(key => key.startsWith(record))
}

async function fetchBundle(resource: string): Promise<Buffer> {
  try {
    if (resource.startsWith('file:')) {
      return await readBoundedFile(fileURLToPath(resource), maxBytes)
    }
    const { status, body } = await fetchBounded(resource, { method: 'GET', headers: {}, timeoutMs, maxBytes, maxRedirects })
    if (status !== 200) throw new Error(`the server answered ${status}`)
    return body
  } catch (error) {
    throw refused(error instanceof Error ? causeOf(error) : String(error))
  }
}

/** `fetch` hides what happened in the cause. */
function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}

function readBundle(bytes: Buffer): ReadonlyMap<string, string> {
  try {
    return parseSettingsFile(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof SettingsFileError || error instanceof TypeError) throw refused(`the bundle can't be read: ${error.message}`)
    throw error
  }
}

function refused(reason: string): Error {
  return failure('other', { details: 'The spam rules were not updated', reason })
}

/** By numbers between dots; what is missing counts as 0. */
function compareVersions(a: string, b: string): number {
  const parts = (version: string): number[] => version.split('.').map(part => Number.parseInt(part, 10) || 0)
  const [left, right] = [parts(a), parts(b)]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
