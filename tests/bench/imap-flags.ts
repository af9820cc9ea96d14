import { prepareAccounts } from './accounts.ts'
import { LineClient } from './lines.ts'
import type { Figure, Parts } from './main.ts'
import { median } from './statistics.ts'

const count = 10_000

/** A mailbox of 10,000 messages as a mail program meets it. */
export async function* imapFlags({ start }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await prepareAccounts(server)
  const client = await LineClient.open(server.port(143))
  await client.until(/\r\n/)
  client.send('a LOGIN u0 pw-0\r\n')
  await client.until(/^a OK[^\r]*\r\n/m)
  const started = performance.now()
  for (let first = 0; first < count; first += 100) {
    let batch = ''
    for (let i = first; i < first + 100; i++) {
      const message = `From: Ann <ann@example.net>\r\nTo: u0@example.org\r\nSubject: Message ${i}\r\nMessage-ID: <${i}@example.net>\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n\r\n${'Some text. '.repeat(200)}\r\n`
      batch += `m${i} APPEND INBOX (\\Seen) {${message.length}+}\r\n${message}\r\n`
    }
    client.send(batch)
    await client.until(new RegExp(`^m${first + 99} OK[^\\r]*\\r\\n`, 'm'))
  }
  yield { what: 'APPEND, 1 connection, pipelined', value: count / ((performance.now() - started) / 1000), unit: '/s' }
  const timed = async (what: string, command: string): Promise<Figure> => {
    const times: number[] = []
    for (let run = 0; run < 5; run++) {
      const begin = performance.now()
      client.send(`t ${command}\r\n`)
      await client.until(/^t OK[^\r]*\r\n/m)
      times.push(performance.now() - begin)
    }
    return { what, value: median(times), unit: 'ms' }
  }
  yield await timed('SELECT of 10,000', 'SELECT INBOX')
  yield await timed('FETCH 1:* FLAGS of 10,000', 'FETCH 1:* FLAGS')
  yield await timed('FETCH 1:1000 header fields', 'FETCH 1:1000 (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])')
  yield await timed('FETCH 1:* ENVELOPE of 10,000', 'FETCH 1:* ENVELOPE')
  yield await timed('SEARCH UNSEEN', 'SEARCH UNSEEN')
  yield await timed('SEARCH SUBJECT', 'SEARCH SUBJECT "Message 77"')
  client.close()
}
