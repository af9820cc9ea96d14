import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '@postern/contract'
import { systemRandom } from '#base/clock'
import { ListenError } from '#base/net'
import { createWorkers } from '#base/workers'
import { SettingsFileError } from '#data/settings'
import { createPasswords } from '#services/access'
import packageJson from '../../package.json' with { type: 'json' }
import { prepareTryOut, realPorts, tryOutDefaults, tryOutPorts, writeInstallation } from './installation.ts'
import { type RunningServer, type StartOptions, startServer } from './server.ts'

const usage = `Postern, a complete mail server.

  postern run --config FILE     start with this settings file (-c FILE, or CONFIG_PATH in the environment)
  postern init FOLDER           make a new installation there (-I FOLDER)
  postern try                   try it on this machine: loopback only, data in ./postern-data (POSTERN_HOME)
  postern --version             tell the version (-V)
  postern --help                tell this (-h)
`

/** Runs the command of the command line; resolves to the exit code. */
export async function main(): Promise<number> {
  const { CONFIG_PATH } = process.env
  if (CONFIG_PATH) return serve({ configFile: CONFIG_PATH })
  let parsed: ReturnType<typeof parseCommandLine>
  try {
    parsed = parseCommandLine()
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 2
  }
  const { values, positionals } = parsed
  const [command, argument] = positionals
  if (values.version) {
    console.log(packageJson.version)
    return 0
  }
  const initFolder = values.init ?? (command === 'init' ? argument : undefined)
  if (initFolder !== undefined) return initialize(initFolder)
  if (command === 'try') return tryOut()
  if (values.config !== undefined && (command === undefined || command === 'run')) return serve({ configFile: values.config })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const problem = command === undefined || command === 'run' ? 'Which settings file?' : `There is no command ${command}.`
  console.error(`${problem}\n\n${usage}`)
  return 2
}

function parseCommandLine() {
  return parseArgs({
    allowPositionals: true,
    options: {
      config: { type: 'string', short: 'c' },
      init: { type: 'string', short: 'I' },
      version: { type: 'boolean', short: 'V' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

async function initialize(folder: string): Promise<number> {
  const { STALWART_ADMIN_PASSWORD, POSTERN_ADMIN_PASSWORD } = process.env
  try {
    const { configFile, adminPassword } = await writeInstallation({
      folder: resolve(folder),
      plan: realPorts,
      random: systemRandom,
      adminPassword: POSTERN_ADMIN_PASSWORD ?? STALWART_ADMIN_PASSWORD,
      hashSecret,
    })
    console.error(`Settings file: ${configFile}`)
    console.error(`The account 'admin' has the password '${adminPassword}'.`)
    return 0
  } catch (error) {
    console.error(`Cannot make an installation in ${folder}: ${(error as Error).message}`)
    return 1
  }
}

async function hashSecret(secret: string): Promise<string> {
  await using workers = createWorkers({ threads: 1 })
  return createPasswords({ workers, random: systemRandom }).hash(secret)
}

async function tryOut(): Promise<number> {
  const { POSTERN_HOME = './postern-data', POSTERN_PORT_BASE = '8000', POSTERN_ADMIN_PASSWORD } = process.env
  const base = Number(POSTERN_PORT_BASE)
  if (!Number.isInteger(base) || base < 1024 || base > 64_000) {
    console.error('POSTERN_PORT_BASE must be a number from 1024 to 64000')
    return 1
  }
  const folder = resolve(POSTERN_HOME)
  try {
    const installation = await prepareTryOut({
      folder,
      plan: tryOutPorts(base),
      random: systemRandom,
      adminPassword: POSTERN_ADMIN_PASSWORD,
      hashSecret,
    })
    const code = await serve({
      configFile: installation.configFile,
      defaults: tryOutDefaults(),
      greet: ports => greet(ports, folder, installation.adminPassword),
    })
    // Nobody has seen its password: the next start makes another one.
    if (code !== 0 && installation.adminPassword !== undefined) await rm(installation.configFile, { force: true })
    return code
  } catch (error) {
    console.error(`Cannot start in ${folder}: ${(error as Error).message}`)
    return 1
  }
}

type Ports = ReturnType<RunningServer['ports']>

function greet(ports: Ports, folder: string, adminPassword: string | undefined): void {
  const port = (id: string): number | undefined => ports.get(id)?.port
  const password = adminPassword ?? 'PASSWORD'
  const api = `http://127.0.0.1:${port('http')}/api`
  const listening = [...ports].map(([id, { port: number, isTls }]) => `  ${id.padEnd(12)} 127.0.0.1:${number}${isTls ? ' (TLS)' : ''}`)
  console.log(`Postern is running. Data: ${folder}

${listening.join('\n')}

Administrator: admin / ${adminPassword ?? 'the password that the first start printed'}

Try next:
  curl -u 'admin:${password}' ${api}/principal -d '{"type":"domain","name":"example.org"}'
  curl -u 'admin:${password}' ${api}/principal -d '{"type":"individual","name":"jane","secrets":["secret"],"emails":["jane@example.org"],"roles":["user"]}'
  printf 'Subject: Hello\\r\\n\\r\\nHello, Jane.\\r\\n' | curl smtp://127.0.0.1:${port('smtp')}/client.example.com --mail-from you@example.com --mail-rcpt jane@example.org -T - && curl -u jane:secret 'imap://127.0.0.1:${port('imap')}/INBOX;MAILINDEX=1'

Stop with Ctrl-C.`)
}

interface ServeOptions {
  readonly configFile: string
  readonly defaults?: StartOptions['defaults']
  readonly greet?: (ports: Ports) => void
}

/** Runs until told to stop. */
async function serve({ configFile, defaults, greet }: ServeOptions): Promise<number> {
  let server: RunningServer
  try {
    server = await startServer({
      configFile,
      env: name => process.env[name],
      write: text => process.stdout.write(text),
      ...(defaults && { defaults }),
    })
  } catch (error) {
    console.error(explain(error))
    return 1
  }
  greet?.(server.ports())
  await new Promise<void>(stop => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop())
  })
  await server[Symbol.asyncDispose]()
  return 0
}

/** One clear line for what an administrator can mend; the whole stack for what only we can. */
function explain(error: unknown): string {
  if (error instanceof ListenError) return error.message
  if (error instanceof SettingsFileError) return `The settings file cannot be understood: ${error.message}`
  if (error instanceof Failure) return `Cannot start: ${String(error.details['reason'] ?? error.code)}`
  // Of the file system, or of a database server.
  if (error instanceof Error && 'code' in error && /^(?:E[A-Z0-9]+|[0-9A-Z]{5})$/.test(String(error.code)))
    return `Cannot start: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
