import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ServerProcess extends AsyncDisposable {
  readonly port: (standard: number) => number
  readonly base: number
  readonly folder: string
  readonly adminPassword: string
  /** Milliseconds from the start of the process until it was ready. */
  readonly readyMs: number
  call(method: string, path: string, body?: unknown): Promise<unknown>
  /** Proportional memory of all its threads, in MiB. */
  memoryMiB(): Promise<number>
  /** Processor time it has used, of all its threads. */
  cpuMs(): Promise<number>
  /** Ends it without any warning. */
  kill(): Promise<void>
}

const main = join(import.meta.dirname, '../../server/src/app/start.mjs')
const password = 'test-admin'

/** Also when it listens elsewhere, as an earlier installation may. */
const startPatienceMs = 60_000

const ports = [25, 80, 110, 143, 190, 443, 465, 587, 993, 995]

// Listens for as long as this process lives; tests of other processes then look further.
const claimPort = 1

/** A number that can be added to all standard ports: nobody listens on any of them, and no other test process will. */
export async function findPortBase(): Promise<number> {
  // Not from 10,000: fetch refuses port 10080 (WHATWG Fetch, bad ports).
  for (let base = 11_000 + (process.pid % 20) * 1000; ; base = base >= 60_000 ? 11_000 : base + 1000) {
    const claim = await listenOn(base + claimPort)
    if (claim === undefined) continue
    const free = await Promise.all(ports.map(port => isFree(base + port)))
    if (free.every(Boolean)) return base
    claim.close()
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port)
  if (server === undefined) return false
  await new Promise(resolve => server.close(resolve))
  return true
}

/** Undefined when the port is taken. Does not keep the process alive. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer().unref()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server))
  })
}

export interface ServerProcessOptions {
  /** Added to the standard ports; found by itself when absent. */
  readonly base?: number
  /** An installation of an earlier run; a temporary one when absent. */
  readonly folder?: string
  /** Further flags of the runtime, such as those of a profiler. */
  readonly flags?: readonly string[]
}

/** A server process of its own in try-out mode. */
export async function startServerProcess({ base: wantedBase, folder, flags = [] }: ServerProcessOptions = {}): Promise<ServerProcess> {
  const base = wantedBase ?? (await findPortBase())
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'postern-bench-')))
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, [...flags, main, 'try'], {
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
    const isLate = performance.now() - started > startPatienceMs
    if (isLate) child.kill('SIGKILL')
    if (isLate || child.exitCode !== null || child.signalCode !== null) throw new Error('the server did not start')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const readyMs = performance.now() - started
  return {
    port: standard => base + standard,
    base,
    folder: home,
    adminPassword: password,
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
    async cpuMs() {
      const line = await readFile(`/proc/${child.pid}/stat`, 'utf8')
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
      // In ticks of a hundredth of a second on every Linux that runs Node.
      return (Number(fields[11]) + Number(fields[12])) * 10
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await gone
      if (folder === undefined) await rm(home, { recursive: true, force: true })
    },
  }
}
