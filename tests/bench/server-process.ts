import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ServerProcess extends AsyncDisposable {
  readonly port: (standard: number) => number
  readonly folder: string
  /** Milliseconds from the start of the process until it was ready. */
  readonly readyMs: number
  call(method: string, path: string, body?: unknown): Promise<unknown>
  /** Proportional memory of all its threads, in MiB. */
  memoryMiB(): Promise<number>
}

const main = join(import.meta.dirname, '../../packages/server/src/app/main.ts')
const password = 'bench'

/** A server of its own in a temporary folder. `base` is added to the standard ports. */
export async function startServerProcess(base = 21_000, folder?: string): Promise<ServerProcess> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'postern-bench-')))
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, [main, 'try'], {
    env: { ...process.env, POSTERN_HOME: home, POSTERN_PORT_BASE: String(base), POSTERN_ADMIN_PASSWORD: password },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const gone = once(child, 'exit')
  const http = `http://127.0.0.1:${base + 80}`
  for (;;) {
    const ready = await fetch(`${http}/healthz/ready`).then(
      response => response.ok,
      () => false,
    )
    if (ready) break
    if (child.exitCode !== null) throw new Error('the server did not start')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const readyMs = performance.now() - started
  return {
    port: standard => base + standard,
    folder: home,
    readyMs,
    async call(method, path, body) {
      const response = await fetch(http + path, {
        method,
        headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const answer = (await response.json()) as { data?: unknown; error?: unknown }
      if (answer.error !== undefined || !response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
      return answer.data
    },
    async memoryMiB() {
      const rollup = await readFile(`/proc/${child.pid}/smaps_rollup`, 'utf8')
      return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await gone
      if (folder === undefined) await rm(home, { recursive: true, force: true })
    },
  }
}

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

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
