import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { isFlagged, messageFlags, type QueuedMessage, recipientFlags } from '@postern/server/services/queue'
import { runDialog } from '@postern/testkit'
import { type SmtpServer, startSmtp, stopWorkers, type Trouble } from './server.ts'

// Directives, besides what every dialog knows:
//
//   account NAME SECRET ADDRESS...      role NAME SECRET ADDRESS... (an account without any role)
//   list ADDRESS MEMBER...
//   setting KEY VALUE                   put into force at once
//   defaults                            the rules of a fresh installation: they go by port, see the listener `proxied`
//   trouble queueFull|queueDown|spoolFull|directoryDown|none
//   queued SENDER RECIPIENT...          the latest queued message has this envelope; SENDER is <> for the null one
//   queued nothing                      count N
//   flags WORD...                       flags of the latest message: bits of the message, and `ADDRESS:flag` of its recipients
//   orcpt ADDRESS VALUE                 envid VALUE        priority N        held SECONDS
//   content begins|has|lacks TEXT       in the latest queued message; \r \n \t \xHH are understood
//   event ID                            was traced          no-event ID
//   banned ADDRESS

const folder = new URL('./', import.meta.url)

for (const name of (await readdir(folder)).filter(file => file.endsWith('.txt')).sort()) {
  test(name, async () => {
    await using server = await startSmtp()
    await runDialog(await readFile(new URL(name, folder), 'utf8'), {
      port: listener => server.port(listener),
      directive: line => carryOut(line, server),
    })
    assert.deepEqual(server.trace.of('network.closed'), [], 'a session ended with a defect')
    assert.deepEqual(defects(server), [], 'a command failed with a defect')
  })
}

after(stopWorkers)

function defects({ trace }: SmtpServer): readonly unknown[] {
  return trace.of('smtp.error').filter(({ fields }) => fields.reason === 'internal')
}

async function carryOut(line: string, server: SmtpServer): Promise<void> {
  const [verb = '', ...words] = line.split(' ')
  const [first = '', ...rest] = words
  const directive = directives[verb]
  if (directive === undefined) throw new Error(`no such directive: ${verb}`)
  await directive(server, first, rest, line.slice(verb.length + 1 + first.length + 1))
}

type Directive = (server: SmtpServer, first: string, rest: readonly string[], text: string) => Promise<void> | void

const directives: Readonly<Record<string, Directive>> = {
  account: (server, name, [secret = '', ...addresses]) => server.account(name, secret, addresses),
  role: (server, name, [secret = '', ...addresses]) => server.account(name, secret, addresses, []),
  list: (server, address, members) => server.list(address, members),
  setting: (server, key, _words, value) => server.set([[key, value]]),
  defaults: server => server.useDefaults(),
  trouble: (server, kind) => {
    server.trouble = kind === 'none' ? null : (kind as Trouble)
  },
  queued: async (server, sender, recipients) => {
    const message = (await server.queued()).at(-1)
    if (sender === 'nothing') return assert.equal(message, undefined)
    assert.ok(message, 'nothing is queued')
    assert.equal(`${message.returnPath || '<>'}`, sender)
    assert.deepEqual(
      recipientsOf(message)
        .map(({ address }) => address)
        .sort(),
      [...recipients].sort(),
    )
  },
  count: async (server, number) => assert.equal((await server.queued()).length, Number(number)),
  flags: async (server, first, more) => {
    const message = await latest(server)
    const set = Object.entries(messageFlags).flatMap(([name, bit]) => (isFlagged(message.flags, bit) ? [name] : []))
    for (const { address, flags } of recipientsOf(message))
      for (const [name, bit] of Object.entries(recipientFlags)) if (isFlagged(flags, bit)) set.push(`${address}:${name}`)
    assert.deepEqual(set.sort(), [first, ...more].filter(word => word !== '' && word !== 'none').sort())
  },
  orcpt: async (server, address, [value]) =>
    assert.equal(recipientsOf(await latest(server)).find(recipient => recipient.address === address)?.orcpt, value),
  envid: async (server, value) => assert.equal((await latest(server)).envId, value),
  priority: async (server, value) => assert.equal((await latest(server)).priority, Number(value)),
  held: async (server, seconds) => {
    const { createdAt, domains } = await latest(server)
    assert.equal(Math.round(((domains[0]?.retryAt ?? 0) - createdAt) / 1000), Number(seconds))
  },
  content: async (server, how, _words, raw) => {
    const content = (await server.content(await latest(server))).toString('latin1')
    const text = unescaped(raw)
    if (how === 'begins') assert.ok(content.startsWith(text), `it begins with ${JSON.stringify(content.slice(0, 200))}`)
    else if (how === 'ends') assert.ok(content.endsWith(text), `it ends with ${JSON.stringify(content.slice(-200))}`)
    else if (how === 'has') assert.ok(content.includes(text), `it is ${JSON.stringify(content)}`)
    else if (how === 'lacks') assert.ok(!content.includes(text), `it is ${JSON.stringify(content)}`)
    else throw new Error(`no such way to look at content: ${how}`)
  },
  event: (server, id) => assert.ok(server.trace.of(id).length > 0, `traced: ${server.trace.events.map(event => event.id).join(' ')}`),
  'no-event': (server, id) => assert.equal(server.trace.of(id).length, 0),
  banned: (server, address) => assert.ok(server.access.bans.isBlocked(address)),
}

async function latest(server: SmtpServer): Promise<QueuedMessage> {
  const message = (await server.queued()).at(-1)
  assert.ok(message, 'nothing is queued')
  return message
}

function recipientsOf(message: QueuedMessage) {
  return message.domains.flatMap(({ recipients }) => recipients)
}

function unescaped(text: string): string {
  return text.replace(/\\(r|n|t|\\|x[0-9a-fA-F]{2})/g, (_all, code: string) => {
    const simple = { r: '\r', n: '\n', t: '\t', '\\': '\\' }[code]
    return simple ?? String.fromCharCode(Number.parseInt(code.slice(1), 16))
  })
}
