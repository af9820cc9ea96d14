import * as v from '../values/index.ts'
import { family, list, value } from './family.ts'

/** Which store and which directory has which role, and rules about stored mail. */
export const storage = family('storage', 'live', {
  data: value(v.reference('store'), {
    required: true,
    doc: 'Store of settings, mailboxes, queue, reports and directory data.',
  }),
  blob: value(v.reference('store'), {
    required: true,
    doc: 'Store of message contents, scripts and uploads.',
  }),
  fts: value(v.reference('store'), { required: true, doc: 'Store of the full-text index.' }),
  lookup: value(v.reference('store'), {
    required: true,
    doc: 'Store of counters, locks, rate limits, tokens and the Bayes model.',
  }),
  directory: value(v.reference('directory'), {
    required: true,
    doc: 'Default directory; expressions also call it `*`.',
  }),
  'full-text.default-language': value(v.text, {
    default: 'en',
    doc: 'Language of texts whose language cannot be told, as an ISO 639 code.',
  }),
  'encryption.enable': value(v.boolean, {
    default: 'true',
    doc: 'Let accounts have incoming mail encrypted before it is stored.',
  }),
  'encryption.append': value(v.boolean, {
    default: 'false',
    doc: 'Encrypt also what clients append over IMAP and JMAP.',
  }),
  'undelete.retention': value(v.optional(v.duration), {
    doc: 'How long deleted messages can be restored.',
  }),
})

const storeTypes = v.options(
  'store type',
  [
    'rocksdb',
    'sqlite',
    'postgresql',
    'mysql',
    'foundationdb',
    'fs',
    's3',
    'azure',
    'elasticsearch',
    'redis',
    'sql-read-replica',
    'sharded-blob',
    'sharded-in-memory',
  ],
  { 'distributed-blob': 'sharded-blob' },
)

/** Stores by record, found by `type`. */
export const store = family('store', 'live', {
  '<id>.type': value(storeTypes, {
    required: true,
    doc: 'Kind of store. rocksdb, sqlite, postgresql, mysql, foundationdb and sql-read-replica fill every role; fs, s3, azure and sharded-blob hold blobs; elasticsearch indexes; redis and sharded-in-memory hold counters and locks. rocksdb and sqlite both mean the embedded engine.',
  }),
  '<id>.compression': value(v.options('compression', ['none', 'lz4']), {
    default: 'none',
    doc: 'Compression of blobs.',
  }),
  '<id>.purge.frequency': value(v.cron, {
    defaultsBy: { by: 'role', values: { data: '0 3 *', blob: '0 4 *', lookup: '0 5 *' } },
    doc: 'When the store is cleaned. The default depends on the role the store fills.',
  }),
  '<id>.path': value(v.path, {
    doc: 'Folder or file of rocksdb, sqlite and fs; needed by them, made when absent.',
  }),
  '<id>.min-blob-size': value(v.size, { default: '16834', doc: 'rocksdb: smallest value kept in a file of its own.' }),
  '<id>.write-buffer-size': value(v.size, {
    default: '134217728',
    doc: 'rocksdb: bytes of changes kept in memory before they are written out.',
  }),
  '<id>.pool.workers': value(v.integer, { defaultDoc: 'CPUs, at least 4', doc: 'rocksdb, sqlite: workers for blocking calls.' }),
  '<id>.pool.max-connections': value(v.integer, {
    defaultsBy: { by: 'type', values: { postgresql: '10', mysql: '100', redis: '10' } },
    defaultDoc: '4 × CPUs for sqlite',
    doc: 'sqlite, postgresql, mysql, redis: connections at most.',
  }),
  '<id>.pool.min-connections': value(v.integer, { default: '10', doc: 'mysql: connections kept open.' }),
  '<id>.pool.create-timeout': value(v.optional(v.duration), { default: '30s', doc: 'redis: longest time to connect.' }),
  '<id>.pool.wait-timeout': value(v.optional(v.duration), { default: '30s', doc: 'redis: longest wait for a free connection.' }),
  '<id>.pool.recycle-timeout': value(v.optional(v.duration), {
    default: '30s',
    doc: 'redis: longest check of a connection before it is used again.',
  }),
  '<id>.host': value(v.text, { doc: 'postgresql, mysql: host of the server; mysql needs it.' }),
  '<id>.port': value(v.port, {
    defaultsBy: { by: 'type', values: { postgresql: '5432', mysql: '3306' } },
    doc: 'postgresql, mysql: port of the server.',
  }),
  '<id>.database': value(v.text, { doc: 'postgresql, mysql: name of the database; needed.' }),
  '<id>.user': value(v.text, { doc: 'postgresql, mysql, elasticsearch, redis cluster: login.' }),
  '<id>.password': value(v.text, {
    secret: true,
    doc: 'postgresql, mysql, elasticsearch, redis cluster: password.',
  }),
  '<id>.timeout': value(v.optional(v.duration), {
    defaultsBy: { by: 'type', values: { s3: '30s', azure: '30s', redis: '10s' } },
    doc: 'postgresql: longest time to connect; mysql: idle time; s3, azure, redis: longest wait for an answer.',
  }),
  '<id>.options': value(v.text, { doc: 'postgresql: options handed to the server when connecting.' }),
  '<id>.max-allowed-packet': value(v.size, { doc: 'mysql: largest packet.' }),
  '<id>.tls.enable': value(v.boolean, { default: 'false', doc: 'postgresql, mysql: encrypt the connection.' }),
  '<id>.tls.allow-invalid-certs': value(v.boolean, {
    default: 'false',
    doc: 'postgresql, mysql, elasticsearch: do not check the certificate of the server.',
  }),
  '<id>.url': value(v.httpUrl, { doc: 'elasticsearch: base URL; this or cloud-id is needed.' }),
  '<id>.cloud-id': value(v.text, { doc: 'elasticsearch: id of a hosted deployment; needs user and password.' }),
  '<id>.index.shards': value(v.integer, { default: '3', doc: 'elasticsearch: shards of an index when it is created.' }),
  '<id>.index.replicas': value(v.integer, { default: '0', doc: 'elasticsearch: replicas of an index when it is created.' }),
  '<id>.bucket': value(v.text, { doc: 's3: bucket; needed.' }),
  '<id>.region': value(v.text, { doc: 's3: region; needed.' }),
  '<id>.endpoint': value(v.httpUrl, { defaultDoc: 'AWS', doc: 's3: URL of another service than AWS, addressed by path.' }),
  '<id>.access-key': value(v.text, { secret: true, doc: 's3: access key.' }),
  '<id>.secret-key': value(v.text, { secret: true, doc: 's3: secret key.' }),
  '<id>.security-token': value(v.text, { secret: true, doc: 's3: security token.' }),
  '<id>.session-token': value(v.text, { secret: true, doc: 's3: session token.' }),
  '<id>.profile': value(v.text, { doc: 's3: profile of the credentials file.' }),
  '<id>.storage-account': value(v.text, { doc: 'azure: storage account; needed.' }),
  '<id>.container': value(v.text, { doc: 'azure: container; needed.' }),
  '<id>.azure-access-key': value(v.text, { secret: true, doc: 'azure: access key; either this or sas-token.' }),
  '<id>.sas-token': value(v.text, { secret: true, doc: 'azure: shared access signature; either this or azure-access-key.' }),
  '<id>.max-retries': value(v.integer, { default: '3', doc: 's3, azure: tries after the first.' }),
  '<id>.key-prefix': value(v.text, { doc: 's3, azure: text in front of every object name.' }),
  '<id>.depth': value(v.integerBetween(0, 5), { default: '2', doc: 'fs: levels of folders.' }),
  '<id>.urls': list(v.urlOf('redis', 'rediss', 'redis+sentinel', 'unix'), { doc: 'redis: servers; needed.' }),
  '<id>.redis-type': value(v.options('Redis type', ['single', 'cluster']), { default: 'single', doc: 'redis: one server or a cluster.' }),
  '<id>.retry.total': value(v.integer, { doc: 'redis cluster: tries.' }),
  '<id>.retry.min-wait': value(v.optional(v.duration), { doc: 'redis cluster: shortest wait between tries.' }),
  '<id>.retry.max-wait': value(v.optional(v.duration), { doc: 'redis cluster: longest wait between tries.' }),
  '<id>.read-from-replicas': value(v.boolean, { default: 'false', doc: 'redis cluster: let replicas answer.' }),
  '<id>.cluster-file': value(v.path, { doc: 'foundationdb: cluster file.' }),
  '<id>.transaction.timeout': value(v.optional(v.duration), { doc: 'foundationdb: longest transaction.' }),
  '<id>.transaction.max-retry-delay': value(v.optional(v.duration), { doc: 'foundationdb: longest wait between tries.' }),
  '<id>.transaction.retry-limit': value(v.integer, { doc: 'foundationdb: tries.' }),
  '<id>.ids.machine': value(v.text, { doc: 'foundationdb: machine id.' }),
  '<id>.ids.datacenter': value(v.text, { doc: 'foundationdb: data centre id.' }),
  '<id>.primary': value(v.reference('store'), { doc: 'sql-read-replica: the store that takes writes; needed.' }),
  '<id>.replicas': list(v.reference('store'), { doc: 'sql-read-replica: stores that are read from in turn; needed.' }),
  '<id>.stores': list(v.reference('store'), {
    doc: 'sharded-blob, sharded-in-memory: the members; needed. In-memory members are redis stores.',
  }),
  '<id>.query.name': value(v.text, { doc: 'SQL directory: statement that finds an account by name, with one placeholder.' }),
  '<id>.query.members': value(v.text, { doc: 'SQL directory: statement that gives the groups of an account, with one placeholder.' }),
  '<id>.query.emails': value(v.text, { doc: 'SQL directory: statement that gives the addresses of an account, with one placeholder.' }),
  '<id>.query.recipients': value(v.text, { doc: 'SQL directory: statement that finds accounts by address, with one placeholder.' }),
  '<id>.query.secrets': value(v.text, { doc: 'SQL directory: statement that gives the passwords of an account, with one placeholder.' }),
})
