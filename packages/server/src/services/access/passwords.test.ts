import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { systemRandom } from '#base/clock'
import { createWorkers } from '#base/workers'
import { createPasswords, decoyHash } from './passwords.ts'

const workers = createWorkers({ threads: 1 })
after(() => workers[Symbol.asyncDispose]())
const passwords = createPasswords({ workers, random: systemRandom })

/** Made with openssl passwd, htpasswd, python's passlib and argon2 tools; the password is "correct horse". */
const stored: ReadonlyArray<[name: string, hash: string]> = [
  ['SHA-512 crypt', '$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0'],
  ['SHA-256 crypt', '$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'],
  ['MD5 crypt', '$1$saltsalt$NuzA7WTAelpl95xgBGWN60'],
  ['Apache MD5', '$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/'],
  ['bcrypt', '$2b$06$l3yD7MmN3hxfoOiw.p./ieHLWuqjsYS5.ZAWKvJxJVjM8gxXMnsZq'],
  ['salted SHA-1', '{SSHA}awc/Cj0kafyFd5d8fGn07xoHBJJzYWx0c2FsdA=='],
  ['salted SHA-512', '{SSHA512}50rsRNBf8j3I5xE+QwaHdFyMhOzITssZ8BB3UxwQ+SI1JKygYm6ZeRYTDuUyFZIIqDonoTuXwB0Z/MAPhgQCFHNhbHRzYWx0'],
  ['SHA-256', '{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE='],
  ['MD5', '{MD5}PLTnMmMfR+brlh80VUt83g=='],
  ['PBKDF2', '$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$qQDPSZa3Ormyy9oK1Pu0ZLLwP2Svzmx3yu8OvDdq/J0'],
  ['scrypt', '$scrypt$ln=10,r=8,p=1$c2FsdHNhbHQ$ZGeSwropSvEgLQU1pjltINKrRvmEBSnohdqYXUe5EZ8'],
  ['argon2id', '$argon2id$v=19$m=1024,t=1,p=1$R2vkoLU1j+rfyCN5FmDQcA$zohMBDK103cnZfzDZAWk0ExqH7XpC4ROtMaPI8mSp+4'],
  ['wrapped SHA-512 crypt', '{CRYPT}$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0'],
  ['marked plain text', '{PLAIN}correct horse'],
  ['plain text', 'correct horse'],
]
for (const [name, hash] of stored) {
  test(`${name} matches its password alone`, async () => {
    assert.equal(await passwords.verify(hash, 'correct horse'), true)
    assert.equal(await passwords.verify(hash, 'correct horsf'), false)
    assert.equal(await passwords.verify(hash, ''), false)
  })
}

test('a new password is stored as argon2id, salted anew each time, and matches', async () => {
  const [first, second] = await Promise.all([passwords.hash('pässwörd'), passwords.hash('pässwörd')])
  assert.match(first, /^\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
  assert.notEqual(first, second)
  assert.equal(await passwords.verify(first, 'pässwörd'), true)
})

test('what is hashed already is stored as it is; the password inside an application password is hashed', async () => {
  for (const secret of ['$6$salt$x', '{SSHA}abc', 'otpauth://totp/a?secret=b', '$app$phone$$6$salt$x'])
    assert.equal(await passwords.hash(secret), secret)
  assert.match(await passwords.hash('$app$phone$secret'), /^\$app\$phone\$\$argon2id\$/)
})

test('hashes that would cost too much are refused, not computed', async () => {
  assert.equal(await passwords.verify('$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA', 'x'), false)
  assert.equal(await passwords.verify('$pbkdf2-sha256$i=999999999$c2FsdA$aGFzaA', 'x'), false)
  assert.equal(await passwords.verify('$scrypt$ln=40,r=8,p=1$c2FsdA$aGFzaA', 'x'), false)
})

const endless = [
  `$2b$31$${'a'.repeat(53)}`,
  `{BLF-CRYPT}$2y$16$${'a'.repeat(53)}`,
  `$6$rounds=9999999$salt$${'a'.repeat(86)}`,
  `$5$rounds=99999999999999999999$salt$${'a'.repeat(43)}`,
  '$argon2id$v=19$m=262144,t=64,p=1$c2FsdHNhbHQ$aGFzaA',
  '$argon2id$v=19$m=1,t=999999999,p=1$c2FsdHNhbHQ$aGFzaA',
  '$scrypt$ln=18,r=8,p=16$c2FsdA$aGFzaA',
  `$pbkdf2-sha1$i=2000000$c2FsdA$${'a'.repeat(1000)}`,
]
test('a hash that somebody stored to keep the server busy is computed nowhere', async () => {
  const none = { run: () => Promise.reject(new Error('a thread was asked')), [Symbol.asyncDispose]: async () => {} }
  const idle = createPasswords({ workers: none, random: systemRandom })
  const started = process.cpuUsage()
  for (const hash of endless) assert.equal(await idle.verify(hash, 'x'), false, hash)
  assert.ok(process.cpuUsage(started).user < 500_000, 'microseconds')
})

test('forms that nobody knows match nothing, and no text throws', async () => {
  const forms = fc.constantFrom(
    ...['', '$', '$9$', '{X}', '{SSHA}', '$argon2id$', '$scrypt$', '$pbkdf2$', '_', '$2y$', '$6$', '$5$', '$1$'],
  )
  const pieces = fc.constantFrom(
    '$',
    '.',
    ' ',
    '=',
    'rounds=',
    'm=1,t=1,p=1',
    'ln=1,r=1,p=1',
    'v=19',
    '10',
    'A',
    'c2FsdHNhbHQ',
    '\u00e4',
    '\0',
  )
  const rests = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.array(pieces, { maxLength: 8 }).map(parts => parts.join('')),
  )
  await fc.assert(
    fc.asyncProperty(forms, rests, async (form, rest) => {
      if (form === '' && rest === 'x') return
      const matches = await passwords.verify(`${form}${rest}`, `not ${rest}`).catch(error => error)
      assert.equal(matches, false)
    }),
    { numRuns: 300 },
  )
})

test('a crypt hash with a salt that its library refuses matches nothing, instead of failing the login', async () => {
  for (const form of ['$6$ $.', '$5$rounds=0$\u00e4$x', '$2y$99$', `$2y$31$${'!'.repeat(53)}`, '$1$', '$apr1$$', '$apr1$\0$x'])
    assert.equal(await passwords.verify(form, 'correct horse'), false, form)
})

test('many passwords at once all get their answer', async () => {
  const stored = await passwords.hash('correct horse')
  const answers = await Promise.all(Array.from({ length: 9 }, (_, i) => passwords.verify(stored, i % 2 === 0 ? 'correct horse' : 'wrong')))
  assert.deepEqual(
    answers,
    answers.map((_, i) => i % 2 === 0),
  )
  assert.equal(await passwords.verify(decoyHash, 'correct horse'), false)
})
