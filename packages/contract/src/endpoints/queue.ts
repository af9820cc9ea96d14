import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, flag, maxTotal, natural, nullable, paging, path, query, text, timestamp, whether } from './parts.ts'

const status = Type.Union(
  [Type.Literal('scheduled'), Type.Object({ completed: text }), Type.Object({ temp_fail: text }), Type.Object({ perm_fail: text })],
  { title: 'DeliveryStatus' },
)

const recipient = Type.Object({ address: text, status, orcpt: Type.Optional(text) }, { title: 'QueuedRecipient' })

const domain = Type.Object(
  {
    name: text,
    status,
    recipients: Type.Array(recipient),
    retry_num: natural,
    next_retry: timestamp,
    next_notify: nullable(timestamp),
    expires: timestamp,
  },
  { title: 'QueuedDomain' },
)

const message = Type.Object(
  {
    id: natural,
    return_path: Type.String({ description: 'Empty for the null sender.' }),
    domains: Type.Array(domain),
    created: timestamp,
    size: natural,
    priority: Type.Optional(Type.Integer()),
    env_id: Type.Optional(text),
    blob_hash: text,
  },
  { title: 'QueuedMessage' },
)

const selection = {
  text: query.text('Text that must occur in the return path or a recipient; `from` and `to` are then ignored.'),
  filter: query.text('Another name of `text`.'),
  from: query.text('Text that must occur in the return path.'),
  to: query.text('Text that must occur in a recipient.'),
  before: query.timestamp('The next attempt is before this.'),
  after: query.timestamp('The next attempt is after this.'),
  'range-start': query.natural('Lowest id.'),
  'range-end': query.natural('Id below which matches lie.'),
} as const

const id = path.id('Id of the message.')

export const listQueuedMessages = endpoint({
  id: 'listQueuedMessages',
  method: 'GET',
  path: '/api/queue/messages',
  access: 'message-queue-list',
  impact: 'read',
  query: { ...selection, values: query.flag('Give whole messages instead of ids.'), ...paging, ...maxTotal },
  output: data(Type.Object({ items: Type.Union([Type.Array(natural), Type.Array(message)]), total: natural, status: flag })),
  summary: 'List queued messages, oldest first',
  doc: '`status` tells whether the queue is running.',
})

export const getQueuedMessage = endpoint({
  id: 'getQueuedMessage',
  method: 'GET',
  path: '/api/queue/messages/{id}',
  access: 'message-queue-get',
  impact: 'read',
  params: { id },
  output: data(message),
  errors: ['resourceNotFound'],
  summary: 'Get a queued message',
})

export const rescheduleMessages = endpoint({
  id: 'rescheduleMessages',
  method: 'PATCH',
  path: '/api/queue/messages',
  access: 'message-queue-update',
  impact: 'sends',
  query: { ...selection, at: query.timestamp('Time of the next attempt; now when absent or past.') },
  output: whether,
  summary: 'Try the matching queued messages again',
  doc: 'Works in the background and tells whether anything matched. An expiry is never shortened.',
})

export const rescheduleMessage = endpoint({
  id: 'rescheduleMessage',
  method: 'PATCH',
  path: '/api/queue/messages/{id}',
  access: 'message-queue-update',
  impact: 'sends',
  params: { id },
  query: {
    at: query.timestamp('Time of the next attempt; now when absent or past.'),
    filter: query.text('Text that must occur in the domain.'),
  },
  output: whether,
  errors: ['resourceNotFound'],
  summary: 'Try a queued message again',
  doc: 'Tells whether at least one domain was changed.',
})

export const cancelMessages = endpoint({
  id: 'cancelMessages',
  method: 'DELETE',
  path: '/api/queue/messages',
  access: 'message-queue-delete',
  impact: 'destructive',
  query: selection,
  output: whether,
  summary: 'Remove the matching messages from the queue',
  doc: 'Works in the background. Without parameters the whole queue is emptied. Senders are not told.',
})

export const cancelMessage = endpoint({
  id: 'cancelMessage',
  method: 'DELETE',
  path: '/api/queue/messages/{id}',
  access: 'message-queue-delete',
  impact: 'destructive',
  params: { id },
  query: { filter: query.text('Cancel only the recipients whose address contains this.') },
  output: whether,
  errors: ['resourceNotFound'],
  summary: 'Remove a message, or some of its recipients, from the queue',
})

export const getQueueStatus = endpoint({
  id: 'getQueueStatus',
  method: 'GET',
  path: '/api/queue/status',
  access: 'message-queue-get',
  impact: 'read',
  output: whether,
  summary: 'See whether the queue is running',
})

export const setQueueStatus = endpoint({
  id: 'setQueueStatus',
  method: 'PATCH',
  path: '/api/queue/status/{action}',
  access: 'message-queue-update',
  impact: 'sends',
  params: { action: path.text('`stop` pauses outgoing delivery on this node, anything else resumes it.') },
  output: whether,
  summary: 'Pause or resume the queue',
  doc: 'Gives the former state. Deliveries under way are finished, and mail is still taken.',
})
