// A message must not be able to hide a second one from us that another server would see, nor show us one that others do not see.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { Client } from './client.ts'
import { type SmtpServer, startSmtp, stopWorkers } from './server.ts'

after(stopWorkers)

/** What may stand in front of the dot and behind it. */
const ends = [
  '\n',
  '\r',
  '\r\n',
  '\r\r\n',
  '\n\r',
  '\n\n',
  '\r\r',
  '\r\n\n',
  '\r\n\r',
  '\n\r\n',
  '\0\n',
  '\r\0\n',
  '\u0085',
  '\x0b\n',
  ' \r\n',
  '\r\n ',
]
const dots = ['.', '..']

interface Attempt {
  readonly name: string
  readonly seam: string
  /** The seam holds the one true end of a message. */
  readonly isEnd: boolean
}

const attempts: readonly Attempt[] = ends.flatMap(before =>
  ends.flatMap(behind =>
    dots.map(dot => {
      const seam = `${before}${dot}${behind}`
      return { name: JSON.stringify(seam), seam, isEnd: seam.includes('\r\n.\r\n') }
    }),
  ),
)

const hidden = 'MAIL FROM:<hidden@remote.test>\r\nRCPT TO:<joe@example.org>\r\nDATA\r\nSubject: Hidden\r\n\r\nHidden.\r\n.\r\n'

/** Sends a message that holds the seam and another message behind it; all at once, as an attacker does. */
async function smuggle(server: SmtpServer, { seam }: Attempt): Promise<readonly string[]> {
  using client = await Client.greeted(server.port('').port)
  await client.ask('EHLO mx.remote.test')
  const first = 'MAIL FROM:<open@remote.test>\r\nRCPT TO:<jane@example.org>\r\nDATA\r\nSubject: Open\r\n\r\nOpen.'
  await client.send(Buffer.from(`${first}${seam}${hidden}QUIT\r\n`, 'latin1'))
  return (await client.rest()).split('\r\n').filter(line => line !== '')
}

describe('a hidden message stays part of the one that hides it', () => {
  for (const rule of ['normalize', 'reject', 'accept'] as const) {
    test(`bare newlines: ${rule}`, async () => {
      await using server = await startSmtp()
      await server.set([['session.data.bare-newline', rule]])
      for (const attempt of attempts) {
        const answers = await smuggle(server, attempt)
        const fresh = await server.queued()
        await server.queue.cancelAll({})
        const senders = fresh.map(message => message.returnPath)
        const told = answers.filter(line => line.startsWith('250 2.0.0 Message queued')).length
        assert.equal(told, fresh.length, `${attempt.name}: ${answers.join(' | ')}`)
        if (attempt.isEnd) {
          assert.equal(senders.at(-1), 'hidden@remote.test', `${attempt.name} ends the first message: ${answers.join(' | ')}`)
          continue
        }
        assert.ok(!senders.includes('hidden@remote.test'), `${attempt.name} let it out: ${answers.join(' | ')}`)
        // MAIL, RCPT, 354, one answer to the message, QUIT: nothing inside was taken as a command.
        assert.equal(answers.length, 5, `${attempt.name}: ${answers.join(' | ')}`)
        const isBare = /\r(?!\n)|(?<!\r)\n/.test(attempt.seam)
        if (rule === 'reject' && isBare) {
          assert.deepEqual(senders, [], attempt.name)
          assert.match(answers[3] ?? '', /^550 5\.6\.11 /, attempt.name)
          continue
        }
        assert.deepEqual(senders, ['open@remote.test'], attempt.name)
        const [message] = fresh
        assert.ok(message)
        const content = (await server.content(message)).toString('latin1')
        assert.ok(content.includes('MAIL FROM:<hidden@remote.test>\r\n'), attempt.name)
        // Nothing is kept that the next server could take for a line end, unless the administrator wants it so.
        if (rule !== 'accept') assert.doesNotMatch(content, /\r(?!\n)|(?<!\r)\n/, attempt.name)
      }
    })
  }
})
