import type { ServerProcess } from '@postern/testkit'

/** Settings that take limits meant for strangers out of the way; accounts u0 … u9 of example.org, password pw-N. */
export async function prepareAccounts(server: ServerProcess): Promise<void> {
  const values = [
    ['session.data.limits.messages', '1000000'],
    ['session.transfer-limit', '100000000000'],
    ['session.duration', '10m'],
    ['session.ehlo.reject-non-fqdn', 'false'],
    ['imap.rate-limit.requests', '1000000/1m'],
    ['imap.rate-limit.concurrent', '5000'],
    ['jmap.rate-limit.account', '1000000/1m'],
    ['jmap.rate-limit.anonymous', '1000000/1m'],
    ['auth.iprev.verify', 'disable'],
  ]
  await server.call('POST', '/api/settings', [{ type: 'insert', prefix: null, assert_empty: false, values }])
  await server.call('GET', '/api/reload')
  await server.call('POST', '/api/principal', { type: 'domain', name: 'example.org' })
  for (let i = 0; i < 10; i++) {
    await server.call('POST', '/api/principal', { name: `u${i}`, secrets: [`pw-${i}`], emails: [`u${i}@example.org`], roles: ['user'] })
  }
}
