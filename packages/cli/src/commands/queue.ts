import { endpoints } from '@postern/contract/endpoints'
import type { Command } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { column, formatSize, type Row, sentence } from '../view.ts'

const {
  cancelMessage,
  cancelMessages,
  getQueuedMessage,
  getQueueStatus,
  listQueuedMessages,
  rescheduleMessage,
  rescheduleMessages,
  setQueueStatus,
} = endpoints.queue

interface Domain {
  readonly name: string
  readonly status: unknown
  readonly recipients: ReadonlyArray<{ readonly address: string; readonly status: unknown }>
  readonly next_retry: string
  readonly retry_num: number
}

const columns = [
  column('id', 'id'),
  column('from', 'return_path', path => (path === '' ? '<>' : path)),
  column('to', 'domains', domains => (domains as readonly Domain[]).flatMap(({ recipients }) => recipients.map(({ address }) => address))),
  column('size', 'size', formatSize),
  column('next attempt', 'domains', domains => (domains as readonly Domain[]).map(({ next_retry }) => next_retry).toSorted()[0]),
  column('status', 'domains', domains => [...new Set((domains as readonly Domain[]).map(({ status }) => statusText(status)))]),
]

export const queueCommands: readonly Command[] = [
  composed({
    ...ofEndpoint('queue list', listQueuedMessages, { fixed: { values: true } }),
    async run({ options }, { client }) {
      const {
        limit = 100,
        'max-total': maxTotal,
        'range-start': start,
        'range-end': end,
        ...rest
      } = options as Readonly<Record<string, never>>
      const value = await client.call(listQueuedMessages, {
        values: true,
        limit,
        ...(maxTotal !== undefined && { 'max-total': maxTotal }),
        ...(start !== undefined && { 'range-start': start }),
        ...(end !== undefined && { 'range-end': end }),
        ...rest,
      })
      const paused = value.status ? '' : '; the queue is paused'
      return {
        value,
        view: { kind: 'table', columns, rows: value.items as readonly Row[], footer: `${value.items.length} of ${value.total}${paused}` },
      }
    },
  }),
  composed({
    ...ofEndpoint('queue show', getQueuedMessage),
    async run({ words }, { client }) {
      const value = await client.call(getQueuedMessage, { id: words['id'] as never })
      const { domains, size, return_path, ...rest } = value
      const recipients = domains.flatMap(({ name, status, recipients: all, next_retry, retry_num }) =>
        all.map(recipient => {
          const own = statusText(recipient.status)
          return `${recipient.address}: ${own === 'scheduled' ? statusText(status) : own} (${name}, attempt ${retry_num + 1} at ${next_retry})`
        }),
      )
      return {
        value,
        view: { kind: 'record', record: { ...rest, from: return_path === '' ? '<>' : return_path, size: formatSize(size), recipients } },
      }
    },
  }),
  composed({
    words: 'queue retry',
    summary: 'Try queued messages again, now or at a time',
    doc: 'Ids, or a selection; nothing given means all.',
    impact: 'sends',
    endpoints: [rescheduleMessage.id, rescheduleMessages.id],
    positionals: [{ name: 'id', doc: 'Id of a message.', many: true, optional: true }],
    options: ofEndpoint('', rescheduleMessages).options,
    async run({ lists, options }, { client }) {
      const ids = lists['id'] ?? []
      const { at, filter, text } = options as { readonly at?: number; readonly filter?: string; readonly text?: string }
      const domain = filter ?? text
      if (ids.length === 0) {
        const value = await client.call(rescheduleMessages, options)
        return { value, view: sentence(value ? 'On their way.' : 'No message matches.') }
      }
      let any = false
      for (const id of ids) {
        const input = { id: id as never, ...(at !== undefined && { at }), ...(domain !== undefined && { filter: domain }) }
        any = (await client.call(rescheduleMessage, input)) || any
      }
      return { value: any, view: sentence(any ? 'On their way.' : 'Nothing in them waits for another attempt.') }
    },
  }),
  composed({
    words: 'queue cancel',
    summary: 'Remove messages, or some of their recipients, from the queue',
    doc: 'Senders are not told. Ids, with --filter only the recipients that contain it; or a selection; or --all.',
    impact: 'destructive',
    endpoints: [cancelMessage.id, cancelMessages.id],
    positionals: [{ name: 'id', doc: 'Id of a message.', many: true, optional: true }],
    options: [...ofEndpoint('', cancelMessages).options, { name: 'all', kind: 'flag', doc: 'The whole queue.' }],
    async run({ lists, options }, { client }) {
      const ids = lists['id'] ?? []
      const { all, ...selection } = options as { readonly all?: boolean; readonly filter?: string }
      if (ids.length === 0) {
        // What was forgotten must not empty the queue.
        if (Object.keys(selection).length === 0 && all !== true)
          return { value: false, view: sentence('Which? Give ids, a selection, or --all.') }
        const value = await client.call(cancelMessages, selection)
        return { value, view: sentence(value ? 'Removed.' : 'No message matches.') }
      }
      let any = false
      const { filter } = selection
      for (const id of ids) any = (await client.call(cancelMessage, { id: id as never, ...(filter !== undefined && { filter }) })) || any
      return { value: any, view: sentence(any ? 'Removed.' : 'Nothing in them matches.') }
    },
  }),
  ofEndpoint('queue status', getQueueStatus, { done: 'Running.', nothing: 'Paused.' }),
  ...(['stop', 'start'] as const).map(action =>
    ofEndpoint(`queue ${action}`, setQueueStatus, {
      fixed: { action },
      positionals: [],
      summary: action === 'stop' ? 'Pause outgoing delivery on this node' : 'Resume outgoing delivery',
      view: (was: boolean) => sentence(`${action === 'stop' ? 'Paused' : 'Running'}; it was ${was ? 'running' : 'paused'}.`),
    }),
  ),
]

function statusText(status: unknown): string {
  if (typeof status === 'string') return status
  const [[kind = '', text] = []] = Object.entries((status ?? {}) as Readonly<Record<string, unknown>>)
  const said = { completed: 'delivered', temp_fail: 'deferred', perm_fail: 'failed' }[kind] ?? kind
  return text === '' || text === undefined ? said : `${said}: ${String(text)}`
}
