/**
 * Patterns of the keys that live in the settings file while `config.local-keys` is empty. `*` matches every key, `abc*` a prefix,
 * `*abc` a suffix, other patterns with `*` or `?` are globs; `!` excludes, and an exclusion wins wherever it stands.
 */
export const defaultLocalPatterns = [
  'store.*',
  'directory.*',
  'tracer.*',
  '!server.blocked-ip.*',
  '!server.allowed-ip.*',
  'server.*',
  'certificate.*',
  'config.local-keys.*',
  'authentication.fallback-admin.*',
  '!cluster.key',
  'cluster.*',
  'storage.data',
  'storage.blob',
  'storage.lookup',
  'storage.fts',
  'storage.directory',
  'lookup.default.hostname',
  'enterprise.license-key',
] as const

/** A key the server writes by itself. */
export interface SeededKey {
  readonly key: string
  /** A text, or what is made: the host name of the system, or that many random letters and digits. */
  readonly value: string | { readonly make: 'hostname' } | { readonly make: 'random'; readonly length: number }
  /** At any start when missing, or with the first import of spam rules, over any value. */
  readonly at: 'missing' | 'first-run'
}

function firstRun(key: string, value: string): SeededKey {
  return { key, value, at: 'first-run' }
}

/** Keys that exist after the first start. */
export const seededKeys: readonly SeededKey[] = [
  { key: 'lookup.default.hostname', value: { make: 'hostname' }, at: 'missing' },
  { key: 'oauth.key', value: { make: 'random', length: 64 }, at: 'missing' },
  { key: 'cluster.key', value: { make: 'random', length: 64 }, at: 'missing' },
  firstRun('queue.quota.size.messages', '100000'),
  firstRun('queue.quota.size.size', '10737418240'),
  firstRun('queue.quota.size.enable', 'true'),
  firstRun('queue.throttle.rcpt.key', 'rcpt_domain'),
  firstRun('queue.throttle.rcpt.concurrency', '5'),
  firstRun('queue.throttle.rcpt.enable', 'true'),
  firstRun('session.throttle.ip.key', 'remote_ip'),
  firstRun('session.throttle.ip.concurrency', '5'),
  firstRun('session.throttle.ip.enable', 'true'),
  firstRun('session.throttle.sender.key.0', 'sender_domain'),
  firstRun('session.throttle.sender.key.1', 'rcpt'),
  firstRun('session.throttle.sender.rate', '25/1h'),
  firstRun('session.throttle.sender.enable', 'true'),
  firstRun('report.analysis.addresses', 'postmaster@*'),
]

/** Names of other versions that people bring along: prefix of the key → what takes its place here, or why nothing does. */
export const foreignKeys: Readonly<Record<string, { readonly use: string } | { readonly ignored: string }>> = {
  'server.hostname': { use: 'lookup.default.hostname' },
  'report.domain': { use: 'lookup.default.domain' },
  'global.thread-pool': { use: 'server.threads' },
  'queue.threads.local': { use: 'queue.outbound.concurrency' },
  'queue.threads.remote': { use: 'queue.outbound.concurrency' },
  'cluster.roles': { ignored: 'nodes share the work by locks' },
  'server.tls.certificate': { ignored: 'certificates are chosen by host name' },
  'session.rcpt.subaddressing': { use: 'session.rcpt.sub-addressing' },
  'email.auto-expunge': { use: 'jmap.email.auto-expunge' },
  'email.encryption': { use: 'storage.encryption' },
  'email.folders': { use: 'jmap.folders' },
  'queue.limiter.inbound': { use: 'session.throttle' },
  'queue.limiter.outbound': { use: 'queue.throttle' },
  'queue.route': { use: 'remote' },
  'queue.strategy': { use: 'queue.outbound' },
  'queue.tls': { use: 'queue.outbound.tls' },
  'queue.connection': { use: 'queue.outbound' },
  'queue.virtual': { ignored: 'there is one queue' },
  'jmap.web-sockets': { use: 'jmap.web-socket' },
  'resolver.edns': { ignored: 'EDNS is always used' },
  'config.resource.spam-filter': { use: 'spam-filter.resource' },
  'config.resource.webadmin': { use: 'webadmin.resource' },
  'authentication.rate-limit': { use: 'server.auto-ban.auth.rate' },
  'authentication.fail2ban': { use: 'server.auto-ban' },
  'session.data.pipe': { ignored: 'use milters or hooks' },
}
