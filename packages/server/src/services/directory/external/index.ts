// Directories that are kept elsewhere, one file per type. Each says what it knows of an account; what becomes of that here is not its
// business. An outage is an exception, never "unknown".

/** What another directory says of an account or group; names and addresses folded. */
export interface ExternalPrincipal {
  readonly type: 'individual' | 'group'
  readonly name: string
  readonly description: string | undefined
  /** Bytes. */
  readonly quota: number | undefined
  /** The primary one first; undefined = this directory does not tell. */
  readonly emails: readonly string[] | undefined
  /** Names; undefined = this directory does not tell. */
  readonly groups: readonly string[] | undefined
  /** Addresses of lists; undefined = this directory does not tell. */
  readonly lists: readonly string[] | undefined
  readonly isAdmin: boolean | undefined
  /** Passwords or their hashes. */
  readonly secrets: readonly string[]
}

export interface ExternalDirectory extends AsyncDisposable {
  /** Knows accounts only by their tokens: names and addresses are looked up here. */
  readonly knowsTokensOnly: boolean
  byName(name: string): Promise<ExternalPrincipal | undefined>
  byAddress(address: string): Promise<ExternalPrincipal | undefined>
  /** Proves a password itself, instead of giving its hash; never asked with an empty one. */
  readonly prove: ((name: string, password: string) => Promise<ExternalPrincipal | undefined>) | undefined
  /** Whose access token this is; undefined when it is nobody's. */
  readonly byToken: ((token: string) => Promise<ExternalPrincipal | undefined>) | undefined
  /** Domains that are local because accounts here have addresses in them. */
  readonly domains: ReadonlySet<string>
}

/** Values of one kind that another directory may give: more of them are a mistake in a query or filter. */
export const mostValues = 1000

/** The kind of principal that a class names, in the words of all directories. */
export function readClass(classes: readonly string[]): { readonly type: 'individual' | 'group'; readonly isAdmin: boolean } {
  const given = new Set(classes.map(name => name.toLowerCase()))
  const isAdmin = given.has('admin') || given.has('superuser')
  const isGroup = ['group', 'posixgroup', 'groupofnames', 'groupofuniquenames'].some(name => given.has(name))
  return { type: isGroup && !isAdmin ? 'group' : 'individual', isAdmin }
}

export function readQuotaText(text: string | undefined): number | undefined {
  const quota = text === undefined || !/^\d{1,16}$/.test(text.trim()) ? undefined : Number(text)
  return quota !== undefined && Number.isSafeInteger(quota) ? quota : undefined
}
