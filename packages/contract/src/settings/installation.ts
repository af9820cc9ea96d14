import * as v from '../values/index.ts'
import { family, list, map, value } from './family.ts'

/** Which keys live in the settings file. */
export const config = family('config', 'live', {
  'local-keys': list(v.text, {
    defaultDoc: 'the built-in local patterns',
    doc: 'Patterns of the keys that live in the settings file instead of the store; a leading `!` excludes.',
  }),
})

/** Versions of imported things. */
export const version = family('version', 'job', {
  'spam-filter': value(v.text, {
    doc: 'Version of the imported spam rules. While it is absent the next start imports them. Written by the server.',
  }),
  server: value(v.text, {
    doc: 'Inside a rules file only: the lowest server version the rules need.',
  }),
})

/** The web client bundle. */
export const webadmin = family('webadmin', 'job', {
  resource: value(v.urlOf('https', 'http', 'file'), {
    defaultDoc: 'the bundle that comes with the release',
    doc: 'Where the bundle of the web client (zip) is fetched from.',
  }),
  'auto-update': value(v.boolean, {
    reload: 'restart',
    default: 'false',
    doc: 'Fetch the bundle at every start.',
  }),
  path: value(v.path, {
    reload: 'restart',
    defaultDoc: 'a folder for temporary files',
    doc: 'Folder the bundle is unpacked into.',
  }),
})

/** Logins that do not come from a directory, and how secrets are kept. */
export const authentication = family('authentication', 'live', {
  'fallback-admin.user': value(v.text, {
    doc: 'Login of the emergency administrator, who is tried after the directory and holds every permission.',
  }),
  'fallback-admin.secret': value(v.passwordHash, {
    secret: true,
    doc: 'Password hash of the emergency administrator. Both keys are needed.',
  }),
  'master.user': value(v.text, {
    doc: 'Master login: `<account>%<master>` signs in as the account.',
  }),
  'master.secret': value(v.passwordHash, {
    secret: true,
    doc: 'Password hash of the master login. Both keys are needed.',
  }),
  'secrets.verbatim': value(v.boolean, {
    default: 'false',
    doc: 'Store passwords of accounts as they are given. Off means that plain text is hashed before it is stored.',
  }),
  'new-accounts.user-role': value(v.boolean, {
    default: 'false',
    doc: 'Give an individual that is created without roles and permissions the role `user`.',
  }),
})

/** Tables of rate and concurrency limits in memory. */
export const limiter = family('limiter', 'restart', {
  shard: value(v.integer, {
    defaultDoc: '2 × CPUs, rounded up to a power of two',
    doc: 'Parts the limit tables are divided into.',
  }),
  capacity: value(v.integer, { default: '100', doc: 'Entries a limit table has room for at first.' }),
})

/** Licence keys of other products, and branding. */
export const enterprise = family('enterprise', 'live', {
  'license-key': value(v.text, {
    secret: true,
    doc: 'Accepted and kept without effect: everything is available without a licence.',
  }),
  'api-key': value(v.text, {
    secret: true,
    doc: 'Accepted and kept without effect.',
  }),
  'logo-url': value(v.httpUrl, {
    doc: 'Picture served as `/logo.svg` where neither the domain nor its tenant has one.',
  }),
  'ai.<id>.url': value(v.httpUrl, {
    required: true,
    doc: 'Endpoint of a language model.',
  }),
  'ai.<id>.type': value(v.options('model interface', ['chat', 'text']), {
    required: true,
    doc: 'Whether the endpoint takes chat messages or a plain prompt.',
  }),
  'ai.<id>.model': value(v.text, { required: true, doc: 'Name of the model at the endpoint.' }),
  'ai.<id>.timeout': value(v.duration, { default: '2m', doc: 'Longest wait for an answer.' }),
  'ai.<id>.default-temperature': value(v.float, {
    default: '0.7',
    doc: 'Temperature when the caller gives none.',
  }),
  'ai.<id>.allow-invalid-certs': value(v.boolean, {
    default: 'false',
    doc: 'Do not check the certificate of the endpoint.',
  }),
  'ai.<id>.headers': list(v.headerLine, {
    secret: true,
    doc: 'Fields added to each request.',
  }),
  'ai.<id>.auth.username': value(v.text, { doc: 'Login for HTTP Basic.' }),
  'ai.<id>.auth.secret': value(v.text, { secret: true, doc: 'Password for HTTP Basic.' }),
  'ai.<id>.auth.token': value(v.text, {
    secret: true,
    doc: 'Bearer token, used when there is no login for HTTP Basic.',
  }),
})

/** Sizes of caches in memory. */
export const cache = family('cache', 'restart', {
  '<name>.size': value(v.size, {
    defaultsBy: {
      by: 'name',
      values: {
        'access-token': '10485760',
        'http-auth': '1048576',
        permission: '5242880',
        account: '10485760',
        mailbox: '10485760',
        thread: '10485760',
        bayes: '10485760',
        'dns.txt': '5242880',
        'dns.mx': '5242880',
        'dns.ipv4': '5242880',
        'dns.ipv6': '5242880',
        'dns.rbl': '5242880',
        'dns.ptr': '1048576',
        'dns.tlsa': '1048576',
        'dns.mta-sts': '1048576',
      },
    },
    doc: 'Bytes the cache may take. Names: access-token (permissions and memberships per account), http-auth (Authorization field to account), permission (resolved roles), account, mailbox, thread (mailbox views), bayes (token weights), dns.txt, dns.mx, dns.ipv4, dns.ipv6, dns.rbl, dns.ptr, dns.tlsa, dns.mta-sts.',
  }),
  '<name>.capacity': value(v.integer, {
    defaultDoc: 'size divided by the expected size of an entry',
    doc: 'Entries the cache has room for at first.',
  }),
  'session.ttl': value(v.duration, {
    reload: 'live',
    default: '1h',
    doc: 'Life of the entries of access-token and http-auth.',
  }),
})

/** Nodes that work on the same stores. */
export const cluster = family('cluster', 'restart', {
  'node-id': value(v.integerBetween(0, 511), {
    default: '0',
    doc: 'Number of this node, part of the ids it makes. Must differ between nodes.',
  }),
  key: value(v.text, {
    secret: true,
    doc: 'Key that encrypts what nodes tell each other. Made at the first start.',
  }),
  'bind-addr': value(v.ip, { doc: 'Address this node listens on for the others. Without it the node is on its own.' }),
  'advertise-addr': value(v.ip, { defaultDoc: 'cluster.bind-addr', doc: 'Address the others reach this node at.' }),
  'bind-port': value(v.port, { default: '1179', doc: 'UDP port, the same on all nodes.' }),
  heartbeat: value(v.duration, { default: '1s', doc: 'Time between two signs of life.' }),
  'seed-nodes': list(v.ip, { doc: 'Nodes that are asked first.' }),
})

/** Lists of values, by list and key. */
export const lookup = family('lookup', 'lookup', {
  'default.hostname': value(v.text, {
    reload: 'live',
    aliases: ['server.hostname'],
    defaultDoc: 'host name of the system',
    doc: 'Name of this server in greetings, EHLO, headers and DNS records. Written at the first start.',
  }),
  'default.domain': value(v.text, {
    reload: 'live',
    aliases: ['report.domain'],
    doc: 'Sender domain of bounces, reports and automatic replies.',
  }),
  '<store>': map(v.text, {
    doc: 'Entries of the list of that name; the rest of the path is the key, and a key with `*` or `?` is a glob. Lists with built-in meaning: default, blocked-domains, spam-traps, trusted-domains, url-redirectors, disposable-providers, freemail-providers.',
  }),
})

/** Lists fetched over HTTP, found by `url`. */
export const httpLookup = family('http-lookup', 'live', {
  '<id>.url': value(v.httpUrl, { required: true, doc: 'Where the list is.' }),
  '<id>.enable': value(v.boolean, { default: 'true', doc: 'Use the list.' }),
  '<id>.format': value(v.options('list format', ['list', 'csv']), { required: true, doc: 'One entry per line, or columns.' }),
  '<id>.index.key': value(v.integer, { default: '0', doc: 'Column of the key, counted from 0.' }),
  '<id>.index.value': value(v.integer, { doc: 'Column of the value; without it every value is 1.' }),
  '<id>.separator': value(v.character, { default: ',', doc: 'Character between columns.' }),
  '<id>.skip-first': value(v.boolean, { default: 'false', doc: 'The first line is a heading.' }),
  '<id>.gzipped': value(v.boolean, { default: 'false', doc: 'The list is compressed with gzip.' }),
  '<id>.refresh': value(v.duration, { default: '12h', doc: 'Age at which the next use fetches the list anew.' }),
  '<id>.retry': value(v.duration, { default: '1h', doc: 'The same after a failure.' }),
  '<id>.timeout': value(v.duration, { default: '30s', doc: 'Longest fetch.' }),
  '<id>.limits.size': value(v.size, { default: '104857600', doc: 'Largest list in bytes.' }),
  '<id>.limits.entries': value(v.integer, { default: '100000', doc: 'Entries at most.' }),
  '<id>.limits.entry-size': value(v.size, { default: '512', doc: 'Longest entry in bytes.' }),
})
