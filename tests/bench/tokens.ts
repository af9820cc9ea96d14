import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { prepareAccounts } from './accounts.ts'
import type { Figure, Parts } from './main.ts'

const connections = 8
const seconds = 3

/** How many requests a second are let in by an access token, by a password and by an API key. */
export async function* tokens({ start }: Parts): AsyncGenerator<Figure> {
  await using server = await start()
  await prepareAccounts(server)
  await server.call('POST', '/api/principal', { type: 'apiKey', name: 'panel', secrets: ['key-secret'], roles: ['admin'] })
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const ask = async (method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<string> => {
    const sent = request({ agent, port: server.port(80), host: '127.0.0.1', method, path, headers }).end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const received = await text(answer)
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${received}`)
    return received
  }
  const basic = (name: string, secret: string): string => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`

  const client = { client_id: 'webadmin', redirect_uri: null }
  const granted = await ask('POST', '/api/oauth', { Authorization: basic('u0', 'pw-0') }, JSON.stringify({ type: 'code', ...client }))
  const { code } = (JSON.parse(granted) as { data: { code: string } }).data
  const form = new URLSearchParams({ grant_type: 'authorization_code', client_id: client.client_id, code, redirect_uri: '' })
  const issued = await ask('POST', '/auth/token', { 'Content-Type': 'application/x-www-form-urlencoded' }, form.toString())
  const { access_token } = JSON.parse(issued) as { access_token: string }

  const ways: ReadonlyArray<readonly [what: string, path: string, authorization: string]> = [
    ['access token', '/auth/userinfo', `Bearer ${access_token}`],
    ['password', '/auth/userinfo', basic('u0', 'pw-0')],
    ['API key', '/api/principal/u0', `Bearer api_${Buffer.from('panel:key-secret').toString('base64')}`],
  ]
  for (const [what, path, Authorization] of ways) {
    await ask('GET', path, { Authorization })
    let answered = 0
    const end = performance.now() + seconds * 1000
    const worker = async (): Promise<void> => {
      for (; performance.now() < end; answered++) await ask('GET', path, { Authorization })
    }
    await Promise.all(Array.from({ length: connections }, worker))
    yield { what: `GET ${path} by ${what}, ${connections} connections`, value: answered / seconds, unit: '/s' }
  }
  agent.destroy()
}
