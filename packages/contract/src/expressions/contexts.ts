import { eventIds, metricIds } from '../events/index.ts'

export type VariableKind = 'text' | 'integer' | 'boolean' | 'texts' | 'number'

export interface Variable {
  readonly kind: VariableKind
  readonly doc: string
}

type Variables = Readonly<Record<string, Variable>>

function text(doc: string): Variable {
  return { kind: 'text', doc }
}

function integer(doc: string): Variable {
  return { kind: 'integer', doc }
}

function flag(doc: string): Variable {
  return { kind: 'boolean', doc }
}

function texts(doc: string): Variable {
  return { kind: 'texts', doc }
}

const connection = {
  listener: text('id of the listener'),
  remote_ip: text('address of the client'),
  remote_port: integer('port of the client'),
  local_ip: text('address the client connected to'),
  local_port: integer('port the client connected to'),
  protocol: text('smtp or lmtp'),
  is_tls: flag('1 inside TLS, else 0'),
  asn: integer('autonomous system of the client, 0 when unknown'),
  country: text('country code of the client, empty when unknown'),
} as const satisfies Variables

const heloDomain = { helo_domain: text('name the client gave in EHLO, HELO or LHLO') } as const satisfies Variables

const sender = {
  sender: text('envelope sender in lower case, empty for the null sender'),
  sender_domain: text('domain of the envelope sender'),
} as const satisfies Variables

const login = { authenticated_as: text('account that logged in, empty when nobody did') } as const satisfies Variables

const mail = { ...connection, ...sender, ...login } as const

const recipient = {
  ...connection,
  ...heloDomain,
  ...sender,
  ...login,
  rcpt: text('latest envelope recipient in lower case'),
  rcpt_domain: text('domain of the latest recipient'),
  recipients: texts('all recipients so far'),
  priority: text('MT-PRIORITY of the message'),
} as const satisfies Variables

const queueSender = {
  ...sender,
  priority: integer('MT-PRIORITY of the message'),
  retry_num: integer('attempts made so far for the domain'),
  notify_num: integer('delay notices sent so far for the domain'),
  expires_in: integer('seconds until the domain expires'),
  last_status: text('status of the domain as shown to people'),
  last_error: text('none, dns, unexpected-reply, connection, tls, dane, mta-sts, rate, concurrency or io'),
} as const satisfies Variables

const queueRecipient = {
  ...queueSender,
  rcpt_domain: text('recipient domain'),
  recipients: texts('recipients of the domain'),
} as const satisfies Variables

const queueMx = { ...queueRecipient, mx: text('host the message goes to') } as const satisfies Variables

const queueHost = {
  ...queueMx,
  rcpt: text('recipient'),
  remote_ip: text('address of the host'),
  local_ip: text('own address of the connection'),
} as const satisfies Variables

const httpRequest = {
  listener: text('id of the listener'),
  remote_ip: text('address of the client'),
  remote_port: integer('port of the client'),
  local_ip: text('address the client connected to'),
  local_port: integer('port the client connected to'),
  protocol: text('http or https'),
  is_tls: flag('1 inside TLS, else 0'),
  url: text('whole URL of the request'),
  url_path: text('path of the URL'),
  headers: texts('fields of the request as `name: value`'),
  method: text('request method'),
} as const satisfies Variables

const address = {
  rcpt: text('the recipient address'),
  address: text('the recipient address'),
  email: text('the recipient address'),
} as const satisfies Variables

function mailboxVariables<const P extends string>(prefix: P, what: string) {
  return {
    [prefix]: text(`address in ${what}`),
    [`${prefix}.name`]: text(`display name in ${what}`),
    [`${prefix}.local`]: text(`local part of the address in ${what}`),
    [`${prefix}.domain`]: text(`domain of the address in ${what}`),
  } as Readonly<Record<P | `${P}.name` | `${P}.local` | `${P}.domain`, Variable>>
}

function mailboxesVariables<const P extends string>(prefix: P, what: string) {
  return {
    [prefix]: texts(`addresses in ${what}`),
    [`${prefix}.name`]: texts(`display names in ${what}`),
    [`${prefix}.local`]: texts(`local parts of the addresses in ${what}`),
    [`${prefix}.domain`]: texts(`domains of the addresses in ${what}`),
  } as Readonly<Record<P | `${P}.name` | `${P}.local` | `${P}.domain`, Variable>>
}

const spam = {
  remote_ip: text('address of the client'),
  'remote_ip.ptr': text('host name of the client by reverse DNS'),
  ehlo_domain: text('name the client gave in EHLO'),
  auth_as: text('account that logged in'),
  asn: integer('autonomous system of the client'),
  country: text('country code of the client'),
  is_tls: flag('1 inside TLS, else 0'),
  env_from: text('envelope sender'),
  'env_from.local': text('local part of the envelope sender'),
  'env_from.domain': text('domain of the envelope sender'),
  env_to: texts('envelope recipients'),
  ...mailboxVariables('from', 'From'),
  ...mailboxVariables('reply_to', 'Reply-To'),
  ...mailboxesVariables('to', 'To'),
  ...mailboxesVariables('cc', 'Cc'),
  ...mailboxesVariables('bcc', 'Bcc'),
  body: text('first text part, HTML as visible text'),
  'body.text': text('first text part, HTML as visible text'),
  'body.html': text('first HTML part as visible text, empty when there is none'),
  'body.words': texts('words and numbers of the body'),
  'body.raw': text('the whole message as text'),
  subject: text('subject'),
  'subject.thread': text('subject without reply and list prefixes'),
  'subject.words': texts('words and numbers of the subject'),
  location: text('where the element was found'),
} as const satisfies Variables

const spamUrl = {
  url: text('the URL'),
  value: text('the URL'),
  path_query: text('path and query'),
  path: text('path'),
  query: text('query'),
  scheme: text('scheme'),
  authority: text('authority'),
  host: text('host'),
  sld: text('registrable domain of the host'),
  port: integer('port'),
} as const satisfies Variables

const spamEmail = {
  email: text('the address'),
  value: text('the address'),
  name: text('display name'),
  local: text('local part'),
  domain: text('domain'),
  sld: text('registrable domain'),
} as const satisfies Variables

const spamIp = {
  ip: text('the address'),
  value: text('the address'),
  input: text('the address'),
  reverse_ip: text('labels of the address in reverse order, as block lists want them'),
  ip_reverse: text('labels of the address in reverse order'),
  octets: texts('bytes of the address'),
  is_v4: flag('1 for IPv4'),
  is_v6: flag('1 for IPv6'),
} as const satisfies Variables

const spamHeader = {
  name: text('name of the field'),
  name_lower: text('name of the field in lower case'),
  value: texts('decoded contents, text by text'),
  value_lower: texts('decoded contents in lower case'),
  email: texts('addresses in the field'),
  email_lower: texts('addresses in the field in lower case'),
  attributes: texts('attributes of the field as `name=value`'),
  raw: text('contents as received'),
  raw_lower: text('contents as received in lower case'),
} as const satisfies Variables

const spamElement = {
  input: text('the element'),
  value: text('the element'),
  result: text('the element'),
} as const satisfies Variables

/** Expressions write an event or metric id with every character that is no letter or digit as `_`. */
function metricVariable(id: string): string {
  return id.replace(/[^a-zA-Z0-9]/g, '_')
}

const metric: Variables = Object.fromEntries([
  ...eventIds.map(id => [metricVariable(id), { kind: 'integer', doc: `count of ${id} since the start` }] as const),
  ...metricIds.map(id => [metricVariable(id), { kind: 'number', doc: `value of ${id}; the mean for a histogram` }] as const),
])

const table = {
  conn: { doc: 'A connection has been accepted.', variables: connection },
  ehlo: { doc: 'The client has introduced itself.', variables: { ...connection, ...heloDomain } },
  mail: { doc: 'The envelope sender is known.', variables: mail },
  rcpt: { doc: 'At least one envelope recipient is known.', variables: recipient },
  qsender: { doc: 'A queued message.', variables: queueSender },
  qrcpt: { doc: 'One recipient domain of a queued message.', variables: queueRecipient },
  qmx: { doc: 'A host has been chosen.', variables: queueMx },
  qhost: { doc: 'A connection to the host is being made.', variables: queueHost },
  rdomain: { doc: 'A report about a domain.', variables: { rcpt_domain: text('domain the report goes to') } },
  http: { doc: 'An HTTP request.', variables: httpRequest },
  addr: { doc: 'A recipient address that is being resolved.', variables: address },
  spam: { doc: 'A message in the spam filter.', variables: spam },
  'spam.any': { doc: 'A message in the spam filter, without an element.', variables: spam },
  'spam.url': { doc: 'A URL found in a message.', variables: { ...spam, ...spamUrl } },
  'spam.email': { doc: 'A mail address found in a message.', variables: { ...spam, ...spamEmail } },
  'spam.ip': { doc: 'An IP address found in a message, or the answer of a block list.', variables: { ...spam, ...spamIp } },
  'spam.header': { doc: 'A header field of a message.', variables: { ...spam, ...spamHeader } },
  'spam.domain': { doc: 'A domain found in a message.', variables: { ...spam, ...spamElement } },
  'spam.body': { doc: 'A text part of a message.', variables: { ...spam, ...spamElement } },
  metric: { doc: 'Counters of events, gauges and means of histograms.', variables: metric },
} as const satisfies Record<string, { readonly doc: string; readonly variables: Variables }>

export type ContextName = keyof typeof table

/** Variables by context. A variable outside the context resolves to an empty string. */
export const contexts: Readonly<Record<ContextName, { readonly doc: string; readonly variables: Variables }>> = table

/** Scopes of spam rules; `message` is another name of `any`. */
export const spamScopes = ['url', 'email', 'ip', 'header', 'domain', 'body', 'any'] as const
export type SpamScope = (typeof spamScopes)[number]

/** Values of the variable `location`. */
export const spamLocations = [
  'env_from',
  'env_to',
  'dkim_pass',
  'received',
  'from',
  'reply_to',
  'subject',
  'to',
  'cc',
  'bcc',
  'message_id',
  'dnt',
  'ehlo',
  'body_text',
  'body_html',
  'attachment',
  'tcp',
] as const
export type SpamLocation = (typeof spamLocations)[number]

/** Values of the variable `last_error`. */
export const lastErrors = ['none', 'dns', 'unexpected-reply', 'connection', 'tls', 'dane', 'mta-sts', 'rate', 'concurrency', 'io'] as const
export type LastError = (typeof lastErrors)[number]
