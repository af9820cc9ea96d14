import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { flag, form, json, natural, nullable, page, path, plain, plainAs, plainOr, query, text, textOf, texts, words } from './parts.ts'

const kib = 1_024

export const startDeviceLogin = endpoint({
  id: 'startDeviceLogin',
  method: 'POST',
  path: '/auth/device',
  access: 'anonymous',
  impact: 'write',
  body: form(Type.Object({ client_id: text, nonce: Type.Optional(text) }), 2 * kib),
  output: plain(
    Type.Object({
      device_code: text,
      user_code: text,
      verification_uri: text,
      verification_uri_complete: text,
      expires_in: natural,
      interval: natural,
    }),
  ),
  errors: ['invalidParameters'],
  summary: 'Begin a device login (RFC 8628)',
})

export const getToken = endpoint({
  id: 'getToken',
  method: 'POST',
  path: '/auth/token',
  access: 'anonymous',
  impact: 'write',
  body: form(
    Type.Object({
      grant_type: Type.Optional(text),
      code: Type.Optional(text),
      client_id: Type.Optional(text),
      redirect_uri: Type.Optional(text),
      code_verifier: Type.Optional(text),
      device_code: Type.Optional(text),
      refresh_token: Type.Optional(text),
    }),
    2 * kib,
  ),
  output: plainOr(
    Type.Object({
      access_token: text,
      token_type: Type.Literal('bearer'),
      expires_in: natural,
      refresh_token: Type.Optional(text),
      id_token: Type.Optional(text),
    }),
    Type.Object({
      error: words(
        'access_denied',
        'authorization_pending',
        'expired_token',
        'invalid_client',
        'invalid_grant',
        'invalid_request',
        'slow_down',
        'unsupported_grant_type',
      ),
    }),
  ),
  errors: ['invalidParameters', 'unauthorized'],
  summary: 'Exchange a code, a device code or a refresh token for tokens (RFC 6749)',
  doc: 'A body of any type is read as a form; one without a Content-Type is refused. A code or device code is good for one answer.',
})

export const introspectToken = endpoint({
  id: 'introspectToken',
  method: 'POST',
  path: '/auth/introspect',
  access: 'login',
  impact: 'read',
  body: form(Type.Object({ token: text }), kib),
  output: plain(
    Type.Union([
      Type.Object({ active: Type.Literal(false) }),
      Type.Object({
        active: Type.Literal(true),
        client_id: text,
        username: text,
        token_type: Type.Literal('bearer'),
        exp: natural,
        iat: natural,
      }),
    ]),
  ),
  errors: ['invalidParameters'],
  summary: 'Ask about a token (RFC 7662)',
})

export const getUserInfo = endpoint({
  id: 'getUserInfo',
  method: 'GET',
  path: '/auth/userinfo',
  access: 'login',
  impact: 'read',
  output: plain(
    Type.Object({
      sub: text,
      name: Type.Optional(text),
      preferred_username: text,
      email: Type.Optional(text),
      email_verified: Type.Optional(Type.Literal(true)),
    }),
  ),
  summary: 'Get claims about the caller (OpenID Connect Core §5.3)',
})

export const registerClient = endpoint({
  id: 'registerClient',
  method: 'POST',
  path: '/auth/register',
  access: 'oauth-client-registration',
  openedBy: 'anonymousRegistration',
  impact: 'write',
  body: json(
    Type.Object({
      redirect_uris: texts,
      contacts: Type.Optional(texts),
      client_name: Type.Optional(text),
      logo_uri: Type.Optional(text),
      application_type: Type.Optional(words('web', 'native')),
      subject_type: Type.Optional(words('pairwise', 'public')),
      token_endpoint_auth_method: Type.Optional(text),
    }),
    20 * kib,
  ),
  output: plain(Type.Record(Type.String(), Type.Unknown())),
  errors: ['invalidParameters'],
  summary: 'Register an OAuth client (RFC 7591)',
  doc: 'Open to everybody while the setting for anonymous registration is on. Gives the request back with a `client_id`. Fields that are not named here are given back as they came.',
})

export const getSigningKeys = endpoint({
  id: 'getSigningKeys',
  method: 'GET',
  path: '/auth/jwks.json',
  access: 'public',
  impact: 'read',
  output: plainAs('application/json', Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) })),
  summary: 'Get the public keys of ID tokens (RFC 7517)',
  doc: 'Empty while ID tokens are signed with a shared secret.',
})

const metadata = plain(Type.Record(Type.String(), Type.Unknown()))

export const getOauthMetadata = endpoint({
  id: 'getOauthMetadata',
  method: 'GET',
  path: '/.well-known/oauth-authorization-server',
  access: 'anonymous',
  impact: 'read',
  output: metadata,
  summary: 'Describe the authorization server (RFC 8414)',
})

export const getOpenIdMetadata = endpoint({
  id: 'getOpenIdMetadata',
  method: 'GET',
  path: '/.well-known/openid-configuration',
  access: 'anonymous',
  impact: 'read',
  output: metadata,
  summary: 'Describe the OpenID provider (OpenID Connect Discovery §4)',
})

export const authorizePage = endpoint({
  id: 'authorizePage',
  method: 'GET',
  path: ['/authorize/code', '/authorize', '/authorize/'],
  access: 'anonymous',
  impact: 'read',
  query: {
    client_id: query.text('Client.'),
    redirect_uri: query.text('Where the browser goes afterwards.'),
    state: query.text('Echoed to the client.'),
    nonce: query.text('Goes into the ID token.'),
    scope: query.text('Wanted scopes.'),
    response_type: query.text('`code`.'),
    code_challenge: query.text('PKCE challenge (RFC 7636).'),
    code_challenge_method: query.text('`S256`.'),
    prompt: query.text('With `none`, what needs a person is refused at once.'),
    code: query.text('Code a device shows.'),
  },
  output: page,
  errors: ['invalidParameters'],
  summary: 'Page on which a person logs in and lets a client or device in',
  doc: '`/authorize/code` is about an authorization code (RFC 6749 §4.1), the others about a device (RFC 8628 §3.3). What a registered client asks for wrongly goes back to it as `error`.',
})

const field = Type.Optional(text)

export const submitAuthorization = endpoint({
  id: 'submitAuthorization',
  method: 'POST',
  path: ['/authorize/code', '/authorize', '/authorize/'],
  access: 'anonymous',
  impact: 'write',
  body: form(
    Type.Object({
      client_id: field,
      redirect_uri: field,
      state: field,
      nonce: field,
      scope: field,
      response_type: field,
      code_challenge: field,
      code_challenge_method: field,
      code: field,
      login: field,
      password: field,
      totp: field,
      action: Type.Optional(Type.String({ description: '`deny` refuses; anything else lets the client or device in.' })),
    }),
    16 * kib,
  ),
  output: page,
  errors: ['invalidParameters', 'forbidden', 'serverBusy'],
  summary: 'What the page of a login sends: who it is, and whether to let the client or device in',
  doc: 'Answers with a page, or with a redirection (303) to the client. Only the page itself may send it: a form of another origin is refused.',
})

export const getJmapSession = endpoint({
  id: 'getJmapSession',
  method: 'GET',
  path: ['/.well-known/jmap', '/jmap/session'],
  access: 'login',
  impact: 'read',
  output: plain(Type.Record(Type.String(), Type.Unknown())),
  summary: 'Get the JMAP session (RFC 8620 §2)',
})

export const callJmap = endpoint({
  id: 'callJmap',
  method: 'POST',
  path: ['/jmap', '/jmap/'],
  access: 'login',
  impact: 'write',
  body: json(Type.Unknown(), 'message'),
  output: plain(Type.Record(Type.String(), Type.Unknown())),
  errors: ['limit', 'parseError'],
  summary: 'Call JMAP methods (RFC 8620 §3)',
  doc: 'The largest request is a setting.',
})

export const downloadBlob = endpoint({
  id: 'downloadBlob',
  method: 'GET',
  path: '/jmap/download/{accountId}/{blobId}/{name}',
  access: 'login',
  impact: 'read',
  params: { accountId: path.text('Account.'), blobId: path.text('Blob.'), name: path.text('File name for the client.') },
  query: { accept: query.text('Media type of the answer.') },
  output: { kind: 'bytes', mediaType: 'application/octet-stream' },
  errors: ['resourceNotFound'],
  summary: 'Download a blob (RFC 8620 §6.2)',
})

export const uploadBlob = endpoint({
  id: 'uploadBlob',
  method: 'POST',
  path: ['/jmap/upload/{accountId}', '/jmap/upload/{accountId}/'],
  access: 'login',
  impact: 'write',
  params: { accountId: path.text('Account.') },
  body: { kind: 'bytes', mediaType: 'application/octet-stream', maxBytes: 'message' },
  output: plain(Type.Object({ accountId: text, blobId: text, type: text, size: natural })),
  errors: ['limit', 'overQuota', 'resourceNotFound'],
  summary: 'Upload a blob (RFC 8620 §6.1)',
})

export const streamChanges = endpoint({
  id: 'streamChanges',
  method: 'GET',
  path: ['/jmap/eventsource', '/jmap/eventsource/'],
  access: 'login',
  impact: 'read',
  query: {
    types: query.names('Types to watch, or `*`.'),
    closeafter: query.text('`state` ends the stream after the first change, `no` does not.'),
    ping: query.natural('Seconds between pings; 0 for none.'),
  },
  output: {
    kind: 'events',
    events: {
      state: Type.Record(Type.String(), Type.Unknown()),
      ping: Type.Object({ interval: natural }),
    },
  },
  errors: ['invalidParameters'],
  summary: 'Watch changes (RFC 8620 §7.3)',
})

export const openJmapSocket = endpoint({
  id: 'openJmapSocket',
  method: 'GET',
  path: ['/jmap/ws', '/jmap/ws/'],
  access: 'login',
  impact: 'write',
  output: textOf('text/plain'),
  errors: ['invalidParameters'],
  summary: 'Open a WebSocket for JMAP (RFC 8887)',
})

export const getAcmeChallenge = endpoint({
  id: 'getAcmeChallenge',
  method: 'GET',
  path: '/.well-known/acme-challenge/{token}',
  access: 'public',
  impact: 'read',
  params: { token: path.text('Token of the challenge.') },
  output: textOf('text/plain'),
  errors: ['resourceNotFound'],
  summary: 'Answer an http-01 challenge (RFC 8555 §8.3)',
})

export const getMtaStsPolicy = endpoint({
  id: 'getMtaStsPolicy',
  method: 'GET',
  path: '/.well-known/mta-sts.txt',
  access: 'anonymous',
  impact: 'read',
  output: textOf('text/plain'),
  errors: ['resourceNotFound'],
  summary: 'Get the MTA-STS policy (RFC 8461 §3.2)',
})

export const getAutoconfig = endpoint({
  id: 'getAutoconfig',
  method: 'GET',
  path: ['/mail/config-v1.1.xml', '/.well-known/autoconfig/mail/config-v1.1.xml', '/.well-known/mail-v1.xml'],
  access: 'anonymous',
  impact: 'read',
  query: { emailaddress: query.text('Address that is being set up.') },
  output: textOf('application/xml'),
  errors: ['invalidParameters'],
  summary: 'Tell a mail client how to reach this server, as Thunderbird asks',
})

export const autodiscover = endpoint({
  id: 'autodiscover',
  method: 'POST',
  path: '/autodiscover/autodiscover.xml',
  access: 'anonymous',
  impact: 'read',
  body: { kind: 'bytes', mediaType: 'text/xml', maxBytes: 8 * kib },
  output: textOf('application/xml'),
  errors: ['invalidParameters'],
  summary: 'Tell a mail client how to reach this server, as Outlook asks',
  doc: 'The case of the path does not matter.',
})

export const autodiscoverJson = endpoint({
  id: 'autodiscoverJson',
  method: 'GET',
  path: ['/autodiscover/autodiscover.json', '/autodiscover/autodiscover.json/v1.0/{email}'],
  access: 'anonymous',
  impact: 'read',
  params: { email: path.optionalText('Address that is being set up.') },
  query: { Email: query.text('The same, in the query.'), Protocol: query.text('`AutodiscoverV1`.') },
  output: plain(Type.Object({ Protocol: text, Url: text })),
  errors: ['invalidParameters'],
  summary: 'Tell a mail client where the XML form is',
})

export const getRobots = endpoint({
  id: 'getRobots',
  method: 'GET',
  path: '/robots.txt',
  access: 'anonymous',
  impact: 'read',
  output: textOf('text/plain'),
  summary: 'Keep crawlers out',
})

const healthy = plainAs('application/problem+json', Type.Object({ type: text, status: natural, detail: text }))

export const isLive = endpoint({
  id: 'isLive',
  method: 'ANY',
  path: '/healthz/live',
  access: 'anonymous',
  impact: 'read',
  output: healthy,
  summary: 'See whether the process answers',
})

export const isReady = endpoint({
  id: 'isReady',
  method: 'ANY',
  path: '/healthz/ready',
  access: 'anonymous',
  impact: 'read',
  output: healthy,
  errors: ['serverBusy'],
  summary: 'See whether the server can work: status 503 without a data store',
})

export const getPrometheusMetrics = endpoint({
  id: 'getPrometheusMetrics',
  method: 'ANY',
  path: '/metrics/prometheus',
  access: 'public',
  impact: 'read',
  output: textOf('text/plain; version=0.0.4'),
  errors: ['unauthorized', 'resourceNotFound'],
  summary: 'Get metrics for Prometheus',
  doc: 'Has a login of its own in the settings, and does not exist while it is switched off.',
})

export const getLogo = endpoint({
  id: 'getLogo',
  method: 'GET',
  path: '/logo.svg',
  access: 'public',
  impact: 'read',
  output: { kind: 'bytes', mediaType: 'image/svg+xml' },
  errors: ['resourceNotFound'],
  summary: 'Get the logo of the domain, its tenant or the server',
})

export const submitForm = endpoint({
  id: 'submitForm',
  method: 'POST',
  path: '/form',
  access: 'anonymous',
  impact: 'sends',
  body: form(Type.Record(Type.String(), Type.String()), 100 * kib),
  output: plain(Type.Object({ data: Type.Object({ success: flag, details: nullable(text) }) })),
  errors: ['resourceNotFound', 'tooManyRequests'],
  summary: 'Send the contact form',
  doc: 'A refusal has status 400. The largest form is a setting.',
})
