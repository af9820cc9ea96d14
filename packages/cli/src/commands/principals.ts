// Accounts, groups, lists, domains and all other principals: one set of verbs for every noun.
import { endpoints, type PrincipalType } from '@postern/contract/endpoints'
import { type Answer, type Command, type Option, type Positional, UsageError } from '../command.ts'
import { composed } from '../derive.ts'
import { formatSize, type Row, sentence } from '../view.ts'
import { columnsOf, type Field, fields, type Noun, nouns, optionOf, rights, showQuota } from './nouns.ts'

const { createPrincipal, deletePrincipal, getPrincipal, listPrincipals, updatePrincipal } = endpoints.principals
const { createDkimSignature } = endpoints.domains

const nameOf: Positional = { name: 'name', doc: 'Name, in any case.' }

const askPassword: Option = { name: 'ask-password', kind: 'flag', doc: 'Ask for the password, or read it from the input.' }

const withDkim: Option = { name: 'dkim', kind: 'flag', doc: 'Make its DKIM keys too, Ed25519 and RSA.' }

const createDocs: Readonly<Partial<Record<PrincipalType, string>>> = {
  individual: 'Without --role and --allow it gets the role `user`. A name with @ is its address unless --email says otherwise.',
  group: 'Without --role and --allow it may send and receive mail. A name with @ is its address unless --email says otherwise.',
  list: 'A name with @ is its address unless --email says otherwise.',
  tenant: 'Without --role and --allow its people may be users and administrators.',
  apiKey: 'Without --secret one is made and shown this once. Without --role and --allow it may log in and nothing else.',
}

export const principalCommands: readonly Command[] = nouns.flatMap(commandsOf)

function commandsOf(noun: Noun): Command[] {
  const options = noun.fields.map(field => optionOf(noun, field))
  const lists = noun.fields.filter(field => 'many' in fields[field])
  const commands = [
    listCommand(noun),
    showCommand(noun),
    createCommand(noun, options),
    changeCommand(
      noun,
      'set',
      'set',
      [{ name: 'name', kind: 'text', doc: 'New name.' }, ...options],
      'Change',
      'What is given replaces what was there.',
    ),
    deleteCommand(noun),
  ]
  if (lists.length > 0) {
    const items = lists.map(field => optionOf(noun, field))
    commands.push(
      changeCommand(noun, 'add', 'addItem', items, 'Add to the lists of'),
      changeCommand(noun, 'remove', 'removeItem', items, 'Remove from the lists of'),
    )
  }
  if (noun.type === 'individual') commands.push(passwordCommand(noun))
  return commands
}

interface ListOptions {
  readonly page?: number
  readonly limit?: number
  readonly filter?: string
  readonly tenant?: string
  readonly count?: boolean
}

function listCommand(noun: Noun): Command {
  return composed({
    words: `${noun.word} list`,
    summary: `List ${noun.several} in order of their names`,
    impact: 'read',
    endpoints: [listPrincipals.id],
    options: [
      { name: 'filter', kind: 'text', doc: listPrincipals.query.filter.doc },
      { name: 'tenant', kind: 'text', doc: listPrincipals.query.tenant.doc },
      { name: 'page', kind: 'number', doc: listPrincipals.query.page.doc },
      { name: 'limit', kind: 'number', doc: 'Items per page, 100 if not given.' },
      { name: 'count', kind: 'flag', doc: listPrincipals.query.count.doc },
    ],
    async run({ options }, { client }) {
      const { page = 1, limit = 100, filter, tenant, count } = options as ListOptions
      const value = await client.call(listPrincipals, {
        types: [noun.type],
        ...(count ? { count: true } : { fields: [...noun.columns], page, limit }),
        ...(filter !== undefined && { filter }),
        ...(tenant !== undefined && { tenant }),
      })
      if (count) return { value: value.total, view: sentence(String(value.total)) }
      const left = value.total - (page - 1) * limit - value.items.length
      const footer = `${value.items.length} of ${value.total}${left > 0 ? `; more with --page ${page + 1}` : ''}`
      return { value, view: { kind: 'table', columns: columnsOf(noun), rows: value.items, footer } }
    },
  })
}

function showCommand(noun: Noun): Command {
  return composed({
    words: `${noun.word} show`,
    summary: `Show ${noun.one}`,
    doc: 'Secrets are described; --json gives them as they are stored.',
    impact: 'read',
    endpoints: [getPrincipal.id],
    positionals: [nameOf],
    async run({ words }, { client }) {
      const value = await client.call(getPrincipal, { name: words['name'] ?? '' })
      const { secrets, quota, usedQuota, ...rest } = value as Row
      return {
        value,
        view: {
          kind: 'record',
          record: {
            ...rest,
            ...(quota !== undefined && { quota: showQuota(quota) }),
            ...(usedQuota !== undefined && { usedQuota: formatSize(usedQuota) }),
            ...(secrets !== undefined && { secrets: [secrets].flat().map(secret => describeSecret(String(secret))) }),
          },
        },
      }
    },
  })
}

/** What a secret is, without telling it. */
export function describeSecret(secret: string): string {
  if (secret.startsWith('otpauth://')) return 'one-time codes'
  const app = /^\$app\$([^$]*)\$/.exec(secret)
  if (app !== null) return `app password ${app[1]}`
  const scheme = /^\$([a-z0-9-]+)\$|^\{([^}]+)\}/i.exec(secret)
  return scheme === null ? 'password, not hashed' : `password (${scheme[1] ?? scheme[2]})`
}

function createCommand(noun: Noun, options: readonly Option[]): Command {
  const takesPassword = noun.type === 'individual'
  return composed({
    words: `${noun.word} create`,
    summary: `Create ${noun.one}`,
    ...(noun.defaults && { doc: createDocs[noun.type] }),
    impact: 'write',
    endpoints: [createPrincipal.id, createDkimSignature.id],
    positionals: [
      { name: 'name', doc: noun.type === 'domain' ? 'Name of the domain.' : 'Name, all in one name space; kept in lower case.' },
    ],
    options: takesPassword ? [askPassword, ...options] : noun.type === 'domain' ? [withDkim, ...options] : options,
    async run({ words, options: given }, { client, askSecret }) {
      const name = words['name'] ?? ''
      const body: Record<string, unknown> = { ...noun.defaults?.(name) }
      if (given['role'] !== undefined || given['allow'] !== undefined) for (const field of rights) delete body[field]
      for (const field of noun.fields) {
        const value = given[fields[field].option]
        if (value !== undefined) body[field] = value
      }
      if (given['ask-password'])
        body['secrets'] = [await askSecret(`Password of ${name}: `), ...((body['secrets'] as string[] | undefined) ?? [])]
      const isNewSecret = noun.type === 'apiKey' && body['secrets'] === undefined
      const secret = randomSecret()
      if (isNewSecret) body['secrets'] = [secret]
      const id = await client.call(createPrincipal, { body: { type: noun.type as 'individual', name, ...body } })
      if (given['dkim']) {
        for (const algorithm of ['Ed25519', 'Rsa'] as const) await client.call(createDkimSignature, { body: { algorithm, domain: name } })
        return {
          value: id,
          view: sentence(`Created ${name.toLowerCase()} (id ${id}) with its keys; now publish what 'postern dns records ${name}' lists.`),
        }
      }
      return isNewSecret ? newKey(name, secret, id) : { value: id, view: sentence(`Created ${name.toLowerCase()} (id ${id}).`) }
    },
  })
}

function newKey(name: string, secret: string, id: number): Answer {
  const token = `api_${btoa(`${name.toLowerCase()}:${secret}`)}`
  return {
    value: { id, secret, token },
    view: { kind: 'lines', lines: [`Created ${name.toLowerCase()} (id ${id}). Its token, shown this once:`, token] },
  }
}

/** 30 letters and digits. */
function randomSecret(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  // Numbers from 248 up would make some letters likelier than others.
  const numbers = Array.from(crypto.getRandomValues(new Uint8Array(256))).filter(number => number < 248)
  return numbers
    .slice(0, 30)
    .map(number => letters[number % letters.length])
    .join('')
}

interface Change {
  readonly action: Action
  readonly field: Field | 'name'
  readonly value: string
}

type Action = 'set' | 'addItem' | 'removeItem'

function changeCommand(noun: Noun, verb: string, action: Action, options: readonly Option[], summary: string, doc?: string): Command {
  return composed({
    words: `${noun.word} ${verb}`,
    summary: `${summary} ${noun.one}`,
    ...(doc !== undefined && { doc }),
    impact: 'write',
    endpoints: [updatePrincipal.id],
    positionals: [nameOf],
    options,
    async run({ words, options: given }, { client }) {
      const body = (['name', ...noun.fields] as const).flatMap((field): readonly Change[] => {
        const value = given[field === 'name' ? 'name' : fields[field].option]
        if (value === undefined) return []
        if (action === 'set') return [{ action, field, value: value as string }]
        return (value as readonly string[]).map(item => ({ action, field, value: item }))
      })
      if (body.length === 0) throw new UsageError('nothing to change: give at least one option')
      const value = await client.call(updatePrincipal, { name: words['name'] ?? '', body })
      return { value, view: sentence('Changed.') }
    },
  })
}

function deleteCommand(noun: Noun): Command {
  return composed({
    words: `${noun.word} delete`,
    summary: `Delete ${noun.several} and all that they own`,
    impact: 'destructive',
    endpoints: [deletePrincipal.id],
    positionals: [{ ...nameOf, many: true }],
    options: [{ name: 'force', kind: 'flag', doc: deletePrincipal.query.force.doc }],
    async run({ lists, options }, { client }) {
      for (const name of lists['name'] ?? []) await client.call(deletePrincipal, { name, force: options['force'] === true })
      return { value: null, view: sentence('Deleted.') }
    },
  })
}

function passwordCommand(noun: Noun): Command {
  return composed({
    words: `${noun.word} password`,
    summary: `Give ${noun.one} a new password`,
    doc: 'Asks for it, or reads it from the input. App passwords and one-time codes stay.',
    impact: 'write',
    endpoints: [updatePrincipal.id],
    positionals: [nameOf],
    async run({ words }, { client, askSecret }) {
      const name = words['name'] ?? ''
      const secret = await askSecret(`New password of ${name}: `)
      const value = await client.call(updatePrincipal, {
        name,
        body: [
          { action: 'removeItem', field: 'secrets', value: '' },
          { action: 'addItem', field: 'secrets', value: secret },
        ],
      })
      return { value, view: sentence('Changed.') }
    },
  })
}
