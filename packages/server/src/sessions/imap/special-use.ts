// Special-use attributes (RFC 6154 §2, RFC 8457) and the roles of mailboxes.
import type { Mailbox, Role } from '#services/mailbox'

const attributes: ReadonlyArray<readonly [role: Role, attribute: string]> = [
  ['trash', '\\Trash'],
  ['junk', '\\Junk'],
  ['drafts', '\\Drafts'],
  ['sent', '\\Sent'],
  ['archive', '\\Archive'],
  ['important', '\\Important'],
]

const byRole: ReadonlyMap<Role, string> = new Map(attributes)
const byAttribute: ReadonlyMap<string, Role> = new Map(attributes.map(([role, attribute]) => [attribute.toLowerCase(), role]))

export function attributeOf({ role }: Mailbox): string | undefined {
  return role === null ? undefined : byRole.get(role)
}

/** Undefined for uses a mailbox cannot be given: `\All` and `\Flagged` would be views, not places. */
export function roleOfAttribute(attribute: string): Role | undefined {
  return byAttribute.get(attribute.toLowerCase())
}
