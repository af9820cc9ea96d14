/** What a purge of the in-memory store can wipe. */
export const purgeKinds = [
  'acme',
  'oauth',
  'rate-rcpt',
  'rate-scan',
  'rate-loiter',
  'rate-auth',
  'rate-hash',
  'rate-contact',
  'rate-http-authenticated',
  'rate-http-anonymous',
  'rate-imap',
  'reputation-ip',
  'reputation-from',
  'reputation-domain',
  'reputation-asn',
  'greylist',
  'bayes-account',
  'bayes-global',
  'trusted-reply',
  'lock-purge-account',
  'lock-queue-message',
  'lock-queue-report',
  'lock-email-task',
  'lock-housekeeper',
] as const

export type PurgeKind = (typeof purgeKinds)[number]
