/** How a caller proves who it is. */
export type Credentials =
  /** HTTP Basic. An account with a second factor gives `password$code`. */
  | { readonly login: string; readonly password: string }
  | { readonly apiKey: { readonly name: string; readonly secret: string } }
  /** OAuth access token, or where to get one that is still good: asked before every call. */
  | { readonly token: string | (() => string | Promise<string>) }

/** Value of the Authorization field. */
export async function authorization(credentials: Credentials): Promise<string> {
  if ('login' in credentials) return `Basic ${base64(`${credentials.login}:${credentials.password}`)}`
  if ('apiKey' in credentials) return `Bearer api_${base64(`${credentials.apiKey.name}:${credentials.apiKey.secret}`)}`
  const { token } = credentials
  return `Bearer ${typeof token === 'string' ? token : await token()}`
}

/** Of the text in UTF-8 (RFC 7617 §2.1). */
function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
