// Which programs ask for access: anybody's by default, those of the directory when registration is demanded.
import { settings as declared, Failure, failure } from '@postern/contract'
import { type Random, randomAlphanumerics } from '#base/clock'
import type { Trace } from '#base/trace'
import type { Settings } from '#data/settings'
import type { PrincipalRecord } from '#data/store'
import { allPermissions, type Caller, type Directory, fallbackAdministratorId, type Rights } from '#services/directory'
import { isRegistered, redirectProblem } from './redirects.ts'

/** What a client says about itself (RFC 7591 §2); what is not named here is given back and not kept. */
export interface Registration {
  readonly redirect_uris: readonly string[]
  readonly contacts?: readonly string[]
  readonly client_name?: string
  readonly logo_uri?: string
  readonly [more: string]: unknown
}

export interface Client {
  readonly id: string
  /** Name for people, where the client is registered. */
  readonly name: string | undefined
  readonly redirectUris: readonly string[] | undefined
}

export interface Clients {
  find(id: string): Promise<Client>
  /** Whether the client may be served, and sent to the address when there is one; the error of RFC 6749 §5.2 otherwise. */
  check(id: string, redirectUri: string | undefined, rights: Rights): Promise<'invalid_client' | 'invalid_request' | undefined>
  /** @returns what was sent, with the new `client_id`. Failure `invalidParameters` */
  register(registration: Registration): Promise<Readonly<Record<string, unknown>>>
}

export const maxClientIdBytes = 20
const maxRedirectUris = 20
const maxTextBytes = 512

/** Registers on behalf of clients that nobody stands for; what they may say is bounded here. */
const registrar: Caller = {
  accountId: fallbackAdministratorId,
  name: 'client registration',
  rights: allPermissions,
  tenantId: undefined,
}

export function createClients({
  settings,
  directory,
  random,
  trace,
}: {
  settings: Settings
  directory: Directory
  random: Random
  trace: Trace
}): Clients {
  async function recordOf(id: string): Promise<PrincipalRecord | undefined> {
    const record = id === '' ? undefined : await directory.byName(id)
    return record?.type === 'oauthClient' ? record : undefined
  }

  /** Addresses of this server are for its accounts: a client that names one would keep it from them. */
  async function foreignContacts(contacts: readonly string[]): Promise<readonly string[]> {
    const foreign: string[] = []
    for (const contact of contacts) {
      const domain = contact.slice(contact.lastIndexOf('@') + 1).toLowerCase()
      if (contact.includes('@') && !(await directory.isLocalDomain(domain))) foreign.push(contact)
    }
    return foreign
  }

  return {
    async find(id) {
      const record = await recordOf(id)
      return { id, name: record?.description ?? undefined, redirectUris: record?.urls }
    },

    async check(id, redirectUri, rights) {
      if (rights.has('oauth-client-override')) return undefined
      const record = await recordOf(id)
      if (record === undefined) return settings.read(declared.oauth.clientRegistrationRequire) ? 'invalid_request' : undefined
      return redirectUri === undefined || isRegistered(redirectUri, record.urls) ? undefined : 'invalid_client'
    },

    async register(registration) {
      const { redirect_uris: redirectUris, contacts = [], client_name: name = '', logo_uri: logo = '' } = registration
      if (redirectUris.length === 0 || redirectUris.length > maxRedirectUris)
        throw failure('invalidParameters', { detail: `There must be from 1 to ${maxRedirectUris} redirect_uris.` })
      const wrong = redirectUris.find(uri => uri.length > maxTextBytes || redirectProblem(uri) !== undefined)
      if (wrong !== undefined) throw failure('invalidParameters', { detail: `redirect_uris: ${wrong.slice(0, 100)} is not allowed` })
      if (logo.includes('\0')) throw failure('invalidParameters', { detail: 'logo_uri holds a NUL character.' })
      if ([name, logo].some(text => Buffer.byteLength(text) > maxTextBytes))
        throw failure('invalidParameters', { detail: `A text is longer than ${maxTextBytes} bytes.` })
      // It stands on the page where people decide.
      if (/[\p{Cc}\p{Bidi_Control}]/u.test(name))
        throw failure('invalidParameters', { detail: 'client_name holds characters that steer the text around it.' })
      const clientId = randomAlphanumerics(random, maxClientIdBytes).toLowerCase()
      const principal = {
        type: 'oauthClient',
        name: clientId,
        urls: redirectUris,
        ...(name !== '' && { description: name }),
        ...(logo !== '' && { picture: logo }),
      }
      try {
        await directory.create(registrar, { ...principal, emails: await foreignContacts(contacts) })
      } catch (error) {
        // Another client has the same contact, or it is no address: that must not keep a client out.
        if (!(error instanceof Failure) || contacts.length === 0) throw error
        await directory.create(registrar, principal)
      }
      trace.emit('auth.client-registration', { id: clientId })
      return { ...registration, client_id: clientId }
    },
  }
}
