/** Records of one kind: every id below the prefix that has the member (any member, when none is named). */
export interface SettingGroup {
  /** Keys of a record begin with `<prefix>.<id>.`; ids may contain dots. */
  readonly prefix: string
  readonly member: string | undefined
  readonly doc: string
}

function group(prefix: string, member: string | undefined, doc: string): SettingGroup {
  return { prefix, member, doc }
}

/** Every kind of record, by short name. */
export const settingGroups = {
  listener: group('server.listener', 'protocol', 'Listeners'),
  certificate: group('certificate', 'cert', 'Certificates'),
  acme: group('acme', 'directory', 'Certificate authorities'),
  store: group('store', 'type', 'Stores'),
  directory: group('directory', 'type', 'Directories'),
  /** Below the prefix `directory.<id>.principals`. */
  directoryPrincipal: group('directory.<id>.principals', 'name', 'Accounts of a directory of the type memory'),
  httpLookup: group('http-lookup', 'url', 'Lists fetched over HTTP'),
  sessionThrottle: group('session.throttle', undefined, 'Inbound throttles'),
  milter: group('session.milter', 'hostname', 'Milters'),
  hook: group('session.hook', 'url', 'HTTP hooks'),
  queueThrottle: group('queue.throttle', undefined, 'Outbound throttles'),
  queueQuota: group('queue.quota', undefined, 'Queue quotas'),
  remote: group('remote', 'address', 'Relays'),
  signature: group('signature', 'algorithm', 'Signing keys'),
  spamRule: group('spam-filter.rule', 'scope', 'Spam rules'),
  dnsbl: group('spam-filter.dnsbl.server', 'scope', 'DNS block lists'),
  untrustedScript: group('sieve.untrusted.scripts', 'contents', 'Scripts accounts may include'),
  trustedScript: group('sieve.trusted.scripts', 'contents', 'Scripts for the stages of an SMTP session'),
  tracer: group('tracer', 'type', 'Receivers of events'),
  webhook: group('webhook', 'url', 'Receivers of events over HTTP'),
  alert: group('metrics.alerts', 'enable', 'Alerts'),
  languageModel: group('enterprise.ai', 'url', 'Language models'),
} as const satisfies Record<string, SettingGroup>

export type SettingGroupId = keyof typeof settingGroups
