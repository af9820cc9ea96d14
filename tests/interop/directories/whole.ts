// What the tests of all directories ask of the whole server: who gets in, who gets mail, what becomes of it here.
import assert from 'node:assert/strict'
import { startTestServer, type TestServer } from '@postern/testkit'

/** A server that answers refused recipients at once. */
export function startServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  return startTestServer({ settings: { 'session.rcpt.errors.wait': '1ms', ...settings } })
}

export type Verdict = 'in' | 'refused' | 'later'

/** Whether a login gets in. It asks for something an ordinary account may not have, so `in` is 200 or 403. */
export async function logIn(server: TestServer, authorization: string): Promise<Verdict> {
  const response = await fetch(`http://127.0.0.1:${server.port('http')}/api/principal?limit=1`, { headers: { authorization } })
  await response.body?.cancel()
  if (response.status === 401) return 'refused'
  return response.status < 500 ? 'in' : 'later'
}

export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

/** The SMTP answers to recipients, each as its first digits. */
export async function expectRecipients(server: TestServer, answers: Readonly<Record<string, string>>): Promise<void> {
  const steps = Object.entries(answers).map(([address, answer]) => `A> RCPT TO:<${address}>\nA< ${answer}`)
  await server.play('smtp', `A< 220\nA> EHLO client.example.net\nA<< 250\nA> MAIL FROM:<you@example.net>\nA< 250\n${steps.join('\n')}\n`)
}

export async function principal(server: TestServer, name: string): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await server.call('GET', `/api/principal/${encodeURIComponent(name)}`)
  assert.ok(body instanceof Object, name)
  return ('data' in body ? body.data : body) as Readonly<Record<string, unknown>>
}

/** Mail for an account, and what it reads over IMAP. */
export async function sendAndRead(server: TestServer, address: string, login: string, password: string): Promise<void> {
  await server.play(
    'smtp',
    `A< 220\nA> EHLO client.example.net\nA<< 250\nA> MAIL FROM:<you@example.net>\nA< 250\nA> RCPT TO:<${address}>\nA< 250\nA> DATA\nA< 354\nA> Subject: Hello\nA> \nA> Hello\nA> .\nA< 250 2.0.0\n`,
  )
  for (let attempt = 0; ; attempt++) {
    try {
      await server.play(
        'imap',
        `A< * OK\nA> a LOGIN ${login} ${password}\nA<< a OK\nA> b STATUS INBOX (MESSAGES)\nA< * STATUS "INBOX" (MESSAGES 1)\nA< b OK\n`,
      )
      return
    } catch (error) {
      if (attempt === 50) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}
