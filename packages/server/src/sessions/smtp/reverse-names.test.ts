import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryResolver } from '#base/dns'
import { reverseNames } from './reverse-names.ts'

const resolver = memoryResolver({
  '7.2.0.192.in-addr.arpa': { PTR: ['other.remote.test', 'mx.remote.test'] },
  'mx.remote.test': { A: ['192.0.2.7'] },
  'other.remote.test': { A: ['192.0.2.99'] },
  '8.2.0.192.in-addr.arpa': { PTR: ['mx.remote.test'] },
  '9.2.0.192.in-addr.arpa': { PTR: 'FAIL' },
  '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': { PTR: ['six.remote.test'] },
  'six.remote.test': { AAAA: ['2001:db8::1'] },
})

const nameOf = reverseNames(resolver)

test('a name counts when it leads back to the address', async () => {
  assert.equal(await nameOf('192.0.2.7'), 'mx.remote.test')
  assert.equal(await nameOf('2001:db8::1'), 'six.remote.test')
})

test('a name that leads elsewhere, none, and a server that does not answer are no name', async () => {
  for (const ip of ['192.0.2.8', '192.0.2.9', '192.0.2.10', '127.0.0.1', '::1']) assert.equal(await nameOf(ip), null, ip)
})
