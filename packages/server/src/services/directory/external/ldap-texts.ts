// Values inside filters and names of LDAP: what a user typed is never syntax.

/** A filter's assertion value (RFC 4515 §3): every character that means something there stands as its bytes. */
export function escapeFilterValue(value: string): string {
  return value.replace(/[\0()*\\]/g, character => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** An attribute value of a distinguished name (RFC 4514 §2.4). */
export function escapeNameValue(value: string): string {
  return value
    .replace(/[\\"+,;<>=]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
}

/** The template with the value for each `?`. */
export function fillTemplate(template: string, value: string): string {
  return template.replaceAll('?', () => value)
}

/** The first value of a distinguished name: `cn=Sales\2C EU,dc=example` names `Sales, EU`. */
export function firstNameValue(name: string): string | undefined {
  const escaped = /^[^=]+=((?:\\.|[^,\\+])*)/.exec(name)?.[1]
  return escaped
    ?.replace(/\\([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\(.)/g, '$1')
    .trim()
}
