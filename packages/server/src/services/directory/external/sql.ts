import { settings as declared, failure } from '@postern/contract'
import type { Settings } from '#data/settings'
import { foldName, openSqlSource, type SqlSource, type SqlSourceOptions, type SqlValue } from '#data/store'
import { foldAddress } from '../names.ts'
import { type ExternalDirectory, type ExternalPrincipal, mostValues, readClass, readQuotaText } from './index.ts'

type Row = Readonly<Record<string, SqlValue>>

/** Accounts in the tables of a SQL store. Statements belong to the store, column names to the directory. */
export async function createSqlDirectory(settings: Settings, id: string): Promise<ExternalDirectory> {
  const storeId = settings.read(declared.directory.store, { id })
  if (storeId === undefined) throw failure('directoryUnavailable')
  const statements = {
    name: settings.read(declared.store.queryName, { id: storeId }),
    members: settings.read(declared.store.queryMembers, { id: storeId }),
    emails: settings.read(declared.store.queryEmails, { id: storeId }),
    recipients: settings.read(declared.store.queryRecipients, { id: storeId }),
    secrets: settings.read(declared.store.querySecrets, { id: storeId }),
  }
  const columns = {
    class: settings.read(declared.directory.columnsClass, { id }),
    secret: settings.read(declared.directory.columnsSecret, { id }),
    description: settings.read(declared.directory.columnsDescription, { id }),
    email: settings.read(declared.directory.columnsEmail, { id }),
    quota: settings.read(declared.directory.columnsQuota, { id }),
  }
  const options = sourceOf(settings, storeId)
  let source: Promise<SqlSource> | undefined

  /** Opened with the first question, and anew after it could not be. */
  async function query(statement: string | undefined, parameter: string): Promise<readonly Row[]> {
    if (statement === undefined || statement === '') return []
    source ??= openSqlSource(options)
    const opened = source
    opened.catch(() => {
      source = undefined
    })
    return (await opened).query(statement, parameter, mostValues)
  }

  /** The first column of every row. */
  async function texts(statement: string | undefined, parameter: string): Promise<readonly string[]> {
    return (await query(statement, parameter)).flatMap(row => textOf(Object.values(row)[0]) ?? [])
  }

  async function byName(given: string): Promise<ExternalPrincipal | undefined> {
    const [row] = await query(statements.name, given)
    if (row === undefined) return undefined
    const column = (name: string): string | undefined => (name === '' ? undefined : textOf(row[name]))
    const kind = column(columns.class)
    const primary = column(columns.email)
    const secret = column(columns.secret)
    const more = await texts(statements.emails, given)
    const tellsEmails = columns.email !== '' || (statements.emails ?? '') !== ''
    return {
      ...readClass(kind === undefined ? [] : [kind]),
      isAdmin: columns.class === '' ? undefined : readClass(kind === undefined ? [] : [kind]).isAdmin,
      name: foldName(given),
      description: column(columns.description),
      quota: readQuotaText(column(columns.quota)),
      emails: tellsEmails ? [...new Set([...(primary === undefined ? [] : [primary]), ...more].map(foldAddress))] : undefined,
      groups: (statements.members ?? '') === '' ? undefined : (await texts(statements.members, given)).map(foldName),
      lists: undefined,
      secrets: [...(secret === undefined ? [] : [secret]), ...(await texts(statements.secrets, given))],
    }
  }

  return {
    knowsTokensOnly: false,
    byName,
    async byAddress(address) {
      const [name] = await texts(statements.recipients, address)
      return name === undefined ? undefined : byName(name)
    },
    prove: undefined,
    byToken: undefined,
    domains: new Set(),
    async [Symbol.asyncDispose]() {
      await (await source?.catch(() => undefined))?.[Symbol.asyncDispose]()
    },
  }
}

function sourceOf(settings: Settings, id: string): SqlSourceOptions {
  const type = settings.read(declared.store.type, { id })
  if (type === 'sqlite') return { kind: 'sqlite', file: settings.read(declared.store.path, { id }) ?? '' }
  // Other SQL servers are not spoken to; without its server the directory answers nothing.
  if (type !== 'postgresql') throw failure('directoryUnavailable')
  const url = new URL('postgres://localhost')
  url.hostname = settings.read(declared.store.host, { id }) ?? 'localhost'
  url.port = String(settings.read(declared.store.port, { id, type: 'postgresql' }) ?? 5432)
  url.username = settings.read(declared.store.user, { id }) ?? ''
  url.password = settings.read(declared.store.password, { id }) ?? ''
  url.pathname = settings.read(declared.store.database, { id }) ?? 'postern'
  return { kind: 'postgresql', url: url.href, maxConnections: 10, timeoutMs: 15_000 }
}

function textOf(value: SqlValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  const text = value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
  return text === '' ? undefined : text
}
