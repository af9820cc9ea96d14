import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expression, family, list, value } from './family.ts'

const defaultSigners = "['rsa-' + key_get('default', 'domain'), 'ed25519-' + key_get('default', 'domain')]"

/** Sieve interpreters: `untrusted` runs the scripts of accounts, `trusted` those of the administrator. */
export const sieve = family('sieve', 'live', {
  'untrusted.limits.script-size': value(v.size, { default: '1048576', doc: 'Longest script in bytes.' }),
  'untrusted.limits.string-length': value(v.size, { default: '4096', doc: 'Longest string constant in bytes.' }),
  'untrusted.limits.variable-name-length': value(v.size, { default: '32', doc: 'Longest name of a variable.' }),
  'untrusted.limits.variable-size': value(v.size, { default: '4096', doc: 'Longest value of a variable in bytes; the rest is cut.' }),
  'untrusted.limits.nested-blocks': value(v.integer, { default: '15', doc: 'Depth of blocks.' }),
  'untrusted.limits.nested-tests': value(v.integer, { default: '15', doc: 'Depth of tests.' }),
  'untrusted.limits.nested-foreverypart': value(v.integer, { default: '3', doc: 'Depth of foreverypart.' }),
  'untrusted.limits.match-variables': value(v.integer, { default: '30', doc: 'Match variables.' }),
  'untrusted.limits.local-variables': value(v.integer, { default: '128', doc: 'Variables of a script.' }),
  'untrusted.limits.header-size': value(v.size, { default: '1024', doc: 'Longest header value in bytes.' }),
  'untrusted.limits.includes': value(v.integer, { default: '3', doc: 'Scripts a script may include.' }),
  'untrusted.limits.nested-includes': value(v.integer, { default: '3', doc: 'Depth of includes.' }),
  'untrusted.limits.cpu': value(v.integer, { default: '5000', doc: 'Instructions a run may take.' }),
  'untrusted.limits.redirects': value(v.integer, { default: '1', doc: 'Redirects of a run.' }),
  'untrusted.limits.outgoing-messages': value(v.integer, { default: '3', doc: 'Messages a run may send.' }),
  'untrusted.limits.received-headers': value(v.integer, {
    default: '10',
    doc: 'Received fields above which nothing is redirected or answered.',
  }),
  'untrusted.limits.name-length': value(v.integer, { default: '512', doc: 'Longest name of a script in bytes.' }),
  'untrusted.limits.max-scripts': value(v.integer, { default: '256', doc: 'Scripts of an account.' }),
  'untrusted.max-script-size': value(v.size, {
    default: '1048576',
    doc: 'Accepted without effect; untrusted.limits.script-size is both enforced and announced.',
  }),
  'untrusted.max-redirects': value(v.integer, {
    default: '1',
    doc: 'Accepted without effect; untrusted.limits.redirects is both enforced and announced.',
  }),
  'untrusted.default-expiry.vacation': value(v.duration, {
    default: '7d',
    doc: 'How long a sender gets no second vacation answer when the script names no period (RFC 5230 §4.1).',
  }),
  'untrusted.default-expiry.duplicate': value(v.duration, { default: '7d', doc: 'How long a message counts as seen (RFC 7352).' }),
  'untrusted.disable-capabilities': list(v.text, {
    doc: 'Extensions scripts may not use.',
  }),
  'untrusted.disabled-capabilities': list(v.text, { doc: 'Another spelling of untrusted.disable-capabilities; both are read.' }),
  'untrusted.notification-uris': list(v.text, { default: ['mailto'], doc: 'URI schemes notify may use (RFC 5435).' }),
  'untrusted.protected-headers': list(v.text, {
    default: ['Original-Subject', 'Original-From', 'Received', 'Auto-Submitted'],
    doc: 'Fields editheader may not touch (RFC 5293).',
  }),
  'untrusted.vacation.default-subject': value(v.text, {
    default: 'Automated reply',
    doc: 'Subject of vacation answers to mail without one.',
  }),
  'untrusted.vacation.subject-prefix': value(v.text, { default: 'Auto: ', doc: 'Text in front of the subject of vacation answers.' }),
  'untrusted.scripts.<id>.contents': value(v.text, { doc: 'Script that accounts may include.' }),
  'untrusted.scripts.<id>.name': value(v.text, { doc: 'Label for people.' }),
  'trusted.scripts.<id>.contents': value(v.text, { doc: 'Script for the stages of an SMTP session.' }),
  'trusted.scripts.<id>.name': value(v.text, { doc: 'Label for people.' }),
  'trusted.hostname': value(v.text, { fallback: 'lookup.default.hostname', default: 'localhost', doc: 'Name of this server for scripts.' }),
  'trusted.no-capability-check': value(v.boolean, { default: 'true', doc: 'Allow extensions that a script does not declare.' }),
  'trusted.allow-exec': value(v.boolean, {
    default: 'false',
    doc: 'Allow scripts to run programs on this machine with `exec`.',
  }),
  'trusted.from-addr': expression('rcpt', results.text, {
    default: "'MAILER-DAEMON@' + key_get('default', 'domain')",
    doc: 'Address of the sender of messages made by scripts.',
  }),
  'trusted.from-name': expression('rcpt', results.text, {
    default: "'Automated Message'",
    doc: 'Display name of the sender of messages made by scripts.',
  }),
  'trusted.return-path': expression('rcpt', results.text, {
    doc: 'Envelope sender of messages made by scripts; the null sender if absent.',
  }),
  'trusted.sign': expression('rcpt', results.texts, {
    default: defaultSigners,
    doc: 'Ids of the signatures messages made by scripts get.',
  }),
  'trusted.limits.redirects': value(v.integer, { default: '3', doc: 'Redirects of a run.' }),
  'trusted.limits.out-messages': value(v.integer, { default: '5', doc: 'Messages a run may send.' }),
  'trusted.limits.received-headers': value(v.integer, { default: '50', doc: 'Received fields above which nothing is redirected.' }),
  'trusted.limits.cpu': value(v.integer, { default: '1048576', doc: 'Instructions a run may take.' }),
  'trusted.limits.nested-includes': value(v.integer, { default: '5', doc: 'Depth of includes.' }),
  'trusted.limits.variable-size': value(v.size, { default: '52428800', doc: 'Longest value of a variable in bytes; the rest is cut.' }),
  'trusted.limits.duplicate-expiry': value(v.duration, { default: '7d', doc: 'How long a message counts as seen.' }),
})

/** IMAP, POP3 and ManageSieve share these. */
export const imap = family('imap', 'live', {
  'request.max-size': value(v.size, { default: '52428800', doc: 'Largest request a client may send, literals included.' }),
  'auth.max-failures': value(v.integer, { default: '3', doc: 'Failed logins tolerated; the next one ends the connection.' }),
  'auth.allow-plain-text': value(v.boolean, { default: 'false', doc: 'Let clients log in with a password outside TLS.' }),
  'timeout.authenticated': value(v.duration, { default: '30m', doc: 'Longest silence after login.' }),
  'timeout.anonymous': value(v.duration, { default: '1m', doc: 'Longest silence before login.' }),
  'timeout.idle': value(v.duration, { default: '30m', doc: 'Longest IDLE.' }),
  'rate-limit.requests': value(v.optional(v.rate), { default: '2000/1m', doc: 'Commands of an account in a period.' }),
  'rate-limit.concurrent': value(v.optional(v.integer), { doc: 'Connections of an account at once.' }),
})

/** Default names of special folders. */
const folderNames = {
  inbox: 'Inbox',
  trash: 'Deleted Items',
  junk: 'Junk Mail',
  drafts: 'Drafts',
  sent: 'Sent Items',
  shared: 'Shared Folders',
} as const

/** JMAP, and rules about mailboxes and messages that hold for every protocol. */
export const jmap = family('jmap', 'live', {
  'protocol.request.max-size': value(v.size, { default: '10000000', doc: 'Largest request in bytes.' }),
  'protocol.request.max-calls': value(v.integer, { default: '16', doc: 'Method calls in a request.' }),
  'protocol.request.max-concurrent': value(v.integer, { default: '4', doc: 'Requests of an account at once, over all of HTTP.' }),
  'protocol.get.max-objects': value(v.integer, { default: '500', doc: 'Objects of a /get.' }),
  'protocol.set.max-objects': value(v.integer, { default: '500', doc: 'Objects of a /set.' }),
  'protocol.query.max-results': value(v.integer, { default: '5000', doc: 'Results of a /query.' }),
  'protocol.changes.max-results': value(v.integer, { default: '5000', doc: 'Results of a /changes.' }),
  'protocol.changes.max-history': value(v.optional(v.duration), {
    default: '30d',
    doc: 'How long changes are remembered; off remembers all.',
  }),
  'protocol.search-snippet.max-results': value(v.integer, { default: '100', doc: 'Messages of a SearchSnippet/get.' }),
  'protocol.upload.max-size': value(v.size, { default: '50000000', doc: 'Largest upload in bytes.' }),
  'protocol.upload.max-concurrent': value(v.integer, { default: '4', doc: 'Uploads of an account at once.' }),
  'protocol.upload.quota.size': value(v.size, { default: '50000000', doc: 'Bytes of unused uploads an account may have.' }),
  'protocol.upload.quota.files': value(v.integer, { default: '1000', doc: 'Unused uploads an account may have.' }),
  'protocol.upload.ttl': value(v.duration, { default: '1h', doc: 'How long an unused upload is kept.' }),
  'mailbox.max-depth': value(v.integer, { default: '10', doc: 'Depth of mailboxes.' }),
  'mailbox.max-name-length': value(v.integer, { default: '255', doc: 'Longest name of a mailbox in bytes.' }),
  'email.max-size': value(v.size, { default: '75000000', doc: 'Largest message in bytes.' }),
  'email.max-attachment-size': value(v.size, { default: '50000000', doc: 'Bytes of attachments in a message.' }),
  'email.parse.max-items': value(v.integer, { default: '10', doc: 'Messages of an Email/parse.' }),
  'email.auto-expunge': value(v.optional(v.duration), {
    default: '30d',
    aliases: ['email.auto-expunge'],
    doc: 'Age at which messages leave the trash and junk folders; off keeps them.',
  }),
  'rate-limit.account': value(v.optional(v.rate), {
    default: '1000/1m',
    doc: 'HTTP requests of an account in a period, the management API included.',
  }),
  'rate-limit.anonymous': value(v.optional(v.rate), { default: '100/1m', doc: 'HTTP requests without login of an address in a period.' }),
  'event-source.throttle': value(v.duration, { default: '1s', doc: 'Shortest time between two events of a stream.' }),
  'web-socket.throttle': value(v.duration, {
    default: '1s',
    aliases: ['jmap.web-sockets.throttle'],
    doc: 'Shortest time between two notifications on a WebSocket.',
  }),
  'web-socket.timeout': value(v.duration, {
    default: '10m',
    aliases: ['jmap.web-sockets.timeout'],
    doc: 'Longest silence on a WebSocket.',
  }),
  'web-socket.heartbeat': value(v.duration, {
    default: '1m',
    aliases: ['jmap.web-sockets.heartbeat'],
    doc: 'Time between two pings on a WebSocket.',
  }),
  'push.max-total': value(v.integer, { default: '100', doc: 'Push subscriptions of an account.' }),
  'push.throttle': value(v.duration, { default: '1s', doc: 'Shortest time between two notifications.' }),
  'push.attempts.interval': value(v.duration, { default: '1m', doc: 'Wait between attempts.' }),
  'push.attempts.max': value(v.integer, { default: '3', doc: 'Attempts to notify.' }),
  'push.retry.interval': value(v.duration, { default: '1s', doc: 'Wait before what could not be sent is looked at again.' }),
  'push.timeout.request': value(v.duration, { default: '10s', doc: 'Longest notification request.' }),
  'push.timeout.verify': value(v.duration, { default: '1m', doc: 'Shortest time between two verifications.' }),
  'session.purge.frequency': value(v.cron, { default: '15 * *', doc: 'When idle limiters are dropped.' }),
  'account.purge.frequency': value(v.cron, {
    default: '0 0 *',
    doc: 'When accounts are cleaned: old trash, deleted messages, old changes.',
  }),
  'folders.<role>.name': value(v.text, {
    defaultsBy: { by: 'role', values: folderNames },
    doc: 'Name of the special folder. Roles: inbox, trash, junk, drafts, archive, sent, and shared for the root of shared folders.',
  }),
  'folders.<role>.create': value(v.boolean, {
    default: 'true',
    doc: 'Make the folder for new accounts; inbox, trash and junk always exist.',
  }),
  'folders.<role>.subscribe': value(v.boolean, { default: 'true', doc: 'Subscribe new accounts to the folder.' }),
  'folders.<role>.aliases': value(v.text, { doc: 'Other names of the folder, separated by commas.' }),
})

/** OAuth 2.0 and OpenID Connect. */
export const oauth = family('oauth', 'live', {
  key: value(v.text, { secret: true, doc: 'Key that protects tokens. Made at the first start.' }),
  'expiry.user-code': value(v.duration, { default: '30m', doc: 'Life of a device code.' }),
  'expiry.auth-code': value(v.duration, { default: '10m', doc: 'Life of an authorization code.' }),
  'expiry.token': value(v.duration, { default: '1h', doc: 'Life of an access token.' }),
  'expiry.refresh-token': value(v.duration, { default: '30d', doc: 'Life of a refresh token.' }),
  'expiry.refresh-token-renew': value(v.duration, { default: '4d', doc: 'Remaining life from which a refresh token is replaced.' }),
  'auth.max-attempts': value(v.integer, { default: '3', doc: 'Failed approvals of a code.' }),
  'client-registration.anonymous': value(v.boolean, { default: 'false', doc: 'Let clients register without login (RFC 7591).' }),
  'client-registration.require': value(v.boolean, { default: 'false', doc: 'Serve registered clients only.' }),
  'oidc.expiry.id-token': value(v.duration, { default: '15m', doc: 'Life of an ID token.' }),
  'oidc.signature-algorithm': value(
    v.options('ID token algorithm', ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'PS256', 'PS384', 'PS512']),
    { default: 'ES256', doc: 'Algorithm of ID tokens. With an HS algorithm no key is published.' },
  ),
  'oidc.signature-key': value(v.text, {
    secret: true,
    defaultDoc: 'a key made at the first start',
    doc: 'Shared secret for an HS algorithm, else the private key as PEM.',
  }),
})

/** Contact form. */
export const form = family('form', 'live', {
  enable: value(v.boolean, { default: 'false', doc: 'Take contact forms.' }),
  'deliver-to': list(v.text, { doc: 'Local addresses that get them; needed.' }),
  'max-size': value(v.size, { default: '102400', doc: 'Largest form in bytes.' }),
  'rate-limit': value(v.optional(v.rate), { default: '5/1h', doc: 'Forms of an address in a period.' }),
  'validate-domain': value(v.boolean, { default: 'true', doc: 'Refuse senders whose domain does not exist in the DNS.' }),
  'email.field': value(v.text, { doc: 'Field with the address of the sender.' }),
  'email.default': value(v.text, { default: 'postmaster@localhost', doc: 'Address when the field is empty.' }),
  'subject.field': value(v.text, { doc: 'Field with the subject.' }),
  'subject.default': value(v.text, { default: 'Contact form submission', doc: 'Subject when the field is empty.' }),
  'name.field': value(v.text, { doc: 'Field with the name of the sender.' }),
  'name.default': value(v.text, { default: 'Anonymous', doc: 'Name when the field is empty.' }),
  'honey-pot.field': value(v.text, { doc: 'Field no human fills; a form that has it filled is refused.' }),
})
