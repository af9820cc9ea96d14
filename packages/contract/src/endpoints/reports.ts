import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, listOf, maxTotal, natural, paging, path, query, text, timestamp, whether } from './parts.ts'
import { arfReport, dmarcReport, received, tlsReport } from './report-formats.ts'

const pending = { id: text, domain: text, range_from: timestamp, range_to: timestamp } as const

const outgoingReport = Type.Union(
  [
    Type.Object({
      type: Type.Literal('dmarc'),
      ...pending,
      report: dmarcReport,
      rua: Type.Array(Type.Object({ uri: text, max_size: natural })),
    }),
    Type.Object({
      type: Type.Literal('tls'),
      ...pending,
      report: tlsReport,
      rua: Type.Array(Type.Union([Type.Object({ Mail: text }), Type.Object({ Http: text })])),
    }),
  ],
  { title: 'OutgoingReport' },
)

const outgoingSelection = {
  domain: query.text('Text that must occur in the domain; the exact domain for callers with a tenant.'),
  filter: query.text('Another name of `domain`.'),
  type: query.text('`dmarc` or `tls`; anything else means both.'),
  'range-start': query.natural('Earliest due time in Unix seconds.'),
  'range-end': query.natural('Due time in Unix seconds before which matches lie.'),
  ...paging,
  ...maxTotal,
} as const

const outgoingId = path.text(
  'Id: `d` or `t`, domain, policy hash, time of creation and due time in Unix seconds, separated by exclamation marks.',
)

export const listOutgoingReports = endpoint({
  id: 'listOutgoingReports',
  method: 'GET',
  path: '/api/queue/reports',
  access: 'outgoing-report-list',
  impact: 'read',
  query: outgoingSelection,
  output: data(listOf(text)),
  summary: 'List aggregate reports that will be sent, by due time',
})

export const getOutgoingReport = endpoint({
  id: 'getOutgoingReport',
  method: 'GET',
  path: '/api/queue/reports/{id}',
  access: 'outgoing-report-get',
  impact: 'read',
  params: { id: outgoingId },
  output: data(outgoingReport),
  errors: ['resourceNotFound'],
  summary: 'Get an aggregate report as it would be sent now',
})

export const deleteOutgoingReports = endpoint({
  id: 'deleteOutgoingReports',
  method: 'DELETE',
  path: '/api/queue/reports',
  access: 'outgoing-report-delete',
  impact: 'destructive',
  query: outgoingSelection,
  output: whether,
  summary: 'Drop the matching aggregate reports',
  doc: 'Works in the background and tells whether anything matched.',
})

export const deleteOutgoingReport = endpoint({
  id: 'deleteOutgoingReport',
  method: 'DELETE',
  path: '/api/queue/reports/{id}',
  access: 'outgoing-report-delete',
  impact: 'destructive',
  params: { id: outgoingId },
  output: whether,
  errors: ['resourceNotFound'],
  summary: 'Drop an aggregate report',
  doc: 'True for a well-formed id even when there was nothing; false for a domain of somebody else.',
})

const classes = ['dmarc', 'tls', 'arf'] as const
const reportClass = path.word(classes, 'Kind of report.')

const incomingSelection = {
  text: query.text('Text that must occur in sender, recipients, subject or organisation.'),
  filter: query.text('Another name of `text`.'),
  'range-start': query.natural('Lowest id.'),
  'range-end': query.natural('Id below which matches lie.'),
  ...paging,
  ...maxTotal,
} as const

export const listIncomingReports = endpoint({
  id: 'listIncomingReports',
  method: 'GET',
  path: '/api/reports/{class}',
  access: 'incoming-report-list',
  impact: 'read',
  params: { class: reportClass },
  query: incomingSelection,
  output: data(listOf(Type.String({ description: '`<id>_<expiry in Unix seconds>`' }))),
  summary: 'List received reports, newest first',
})

export const getIncomingReport = endpoint({
  id: 'getIncomingReport',
  method: 'GET',
  path: '/api/reports/{class}/{id}',
  access: 'incoming-report-get',
  impact: 'read',
  params: { class: reportClass, id: path.text('Id from the list.') },
  output: data(Type.Union([received(dmarcReport), received(tlsReport), received(arfReport)])),
  errors: ['resourceNotFound'],
  summary: 'Get a received report',
})

export const deleteIncomingReports = endpoint({
  id: 'deleteIncomingReports',
  method: 'DELETE',
  path: '/api/reports/{class}',
  access: 'incoming-report-delete',
  impact: 'destructive',
  params: { class: reportClass },
  query: incomingSelection,
  output: whether,
  summary: 'Delete the matching received reports',
  doc: 'Works in the background and tells whether anything matched.',
})

export const deleteIncomingReport = endpoint({
  id: 'deleteIncomingReport',
  method: 'DELETE',
  path: '/api/reports/{class}/{id}',
  access: 'incoming-report-delete',
  impact: 'destructive',
  params: { class: reportClass, id: path.text('Id from the list.') },
  output: whether,
  errors: ['resourceNotFound'],
  summary: 'Delete a received report',
})
