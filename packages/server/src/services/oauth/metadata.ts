/** RFC 8414, OpenID Connect Discovery §3, RFC 9207. `base` is the URL of this server, without a slash at the end. */
function common(base: string) {
  return {
    issuer: base,
    authorization_endpoint: `${base}/authorize/code`,
    token_endpoint: `${base}/auth/token`,
    registration_endpoint: `${base}/auth/register`,
    jwks_uri: `${base}/auth/jwks.json`,
    response_modes_supported: ['query'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  } as const
}

const grantTypes = ['authorization_code', 'implicit', 'urn:ietf:params:oauth:grant-type:device_code'] as const
const jmap = (name: string): string => `urn:ietf:params:jmap:${name}`

export function oauthMetadata(base: string): Readonly<Record<string, unknown>> {
  return {
    ...common(base),
    device_authorization_endpoint: `${base}/auth/device`,
    introspection_endpoint: `${base}/auth/introspect`,
    grant_types_supported: grantTypes,
    response_types_supported: ['code', 'id_token', 'code token', 'id_token token'],
    scopes_supported: ['openid', 'offline_access', ...['core', 'mail', 'submission', 'vacationresponse'].map(jmap)],
  }
}

export function openIdMetadata(base: string): Readonly<Record<string, unknown>> {
  return {
    ...common(base),
    userinfo_endpoint: `${base}/auth/userinfo`,
    subject_types_supported: ['public'],
    grant_types_supported: grantTypes,
    response_types_supported: ['code', 'id_token', 'id_token token'],
    scopes_supported: ['openid', 'offline_access'],
    id_token_signing_alg_values_supported: [
      ...['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'PS256', 'PS384', 'PS512', 'HS256', 'HS384', 'HS512'],
    ],
    claims_supported: ['sub', 'name', 'preferred_username', 'email', 'email_verified'],
  }
}
