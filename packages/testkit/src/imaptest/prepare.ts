import { connectImap } from './connection.ts'
import type { MailboxMessage, Piece, Script } from './script.ts'

export interface Credentials {
  readonly login: string
  readonly password: string
}

export interface PrepareOptions {
  readonly port: number
  readonly account: Credentials
  readonly mailbox: string
  readonly messages: readonly MailboxMessage[]
}

/** Makes the mailbox that a script begins with. @returns capabilities of a logged-in session */
export async function prepare(
  { state, messages: wanted }: Pick<Script, 'state' | 'messages'>,
  { port, account, mailbox, messages }: PrepareOptions,
): Promise<ReadonlySet<string>> {
  const connection = await connectImap(port)
  let sent = 0
  async function run(pieces: readonly Piece[], mayFail = false): Promise<readonly string[]> {
    const tag = `p${(sent += 1)}`
    await connection.send(tag, pieces)
    const lines: string[] = []
    for (;;) {
      const line = await connection.next()
      if (line === undefined) throw new Error(`closed at ${JSON.stringify(pieces[0])}`)
      lines.push(line)
      if (!line.startsWith(`${tag} `)) continue
      if (!mayFail && !line.startsWith(`${tag} OK`)) throw new Error(`${JSON.stringify(pieces[0])}: ${line}`)
      return lines
    }
  }
  try {
    await run([{ text: `LOGIN "${account.login}" "${account.password}"` }])
    const answer = await run([{ text: 'CAPABILITY' }])
    for (const suffix of ['', '2', '3', '4', '5']) await run([{ text: `DELETE ${mailbox}${suffix}` }], true)
    if (state !== 'nonauth' && state !== 'auth') await run([{ text: `CREATE ${mailbox}` }])
    if (state === 'appended' || state === 'selected') {
      const count = wanted ?? messages.length
      for (let at = 0; at < count; at += 1) {
        const { date, message } = messages[at % messages.length] as MailboxMessage
        await run([{ text: `APPEND ${mailbox}${date === undefined ? '' : ` ${date}`} ` }, { literal: message, isBinary: false }])
      }
    }
    const line = answer.find(text => text.startsWith('* CAPABILITY ')) ?? ''
    return new Set(line.toUpperCase().split(' ').slice(2))
  } finally {
    connection.close()
  }
}
