import Type from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, json, messageBytes, nothing, nullableText, path, text } from './parts.ts'

const trainPaths = { account: path.optionalName('Account whose model learns; the global model when absent.') } as const

export const trainSpam = endpoint({
  id: 'trainSpam',
  method: 'POST',
  path: ['/api/spam-filter/train/spam', '/api/spam-filter/train/spam/{account}'],
  access: 'spam-filter-train',
  impact: 'write',
  params: trainPaths,
  body: messageBytes,
  output: nothing,
  errors: ['notFound', 'forbidden', 'other'],
  summary: 'Learn a message as spam',
})

export const trainHam = endpoint({
  id: 'trainHam',
  method: 'POST',
  path: ['/api/spam-filter/train/ham', '/api/spam-filter/train/ham/{account}'],
  access: 'spam-filter-train',
  impact: 'write',
  params: trainPaths,
  body: messageBytes,
  output: nothing,
  errors: ['notFound', 'forbidden', 'other'],
  summary: 'Learn a message as wanted',
})

const tagResult = Type.Union([
  Type.Object({ action: Type.Literal('allow'), value: Type.Number() }),
  Type.Object({ action: Type.Literal('discard') }),
  Type.Object({ action: Type.Literal('reject') }),
])

const disposition = Type.Union([
  Type.Object({ action: Type.Literal('allow'), value: Type.String({ description: 'Header lines that would be added.' }) }),
  Type.Object({ action: Type.Literal('discard') }),
  Type.Object({ action: Type.Literal('reject') }),
])

export const classifyMessage = endpoint({
  id: 'classifyMessage',
  method: 'POST',
  path: '/api/spam-filter/classify',
  access: { anyOf: ['spam-filter-classify', 'spam-filter-train'] },
  impact: 'read',
  body: json(
    Type.Object({
      message: text,
      remoteIp: text,
      ehloDomain: Type.Optional(text),
      authenticatedAs: Type.Optional(nullableText),
      isTls: Type.Optional(Type.Boolean()),
      envFrom: text,
      envFromFlags: Type.Integer({ minimum: 0, description: 'SMTP parameters: 8BITMIME 2, BINARYMIME 4, SMTPUTF8 32.' }),
      envRcptTo: Type.Array(text),
    }),
    'message',
  ),
  output: data(Type.Object({ score: Type.Number(), tags: Type.Record(Type.String(), tagResult), disposition }, { title: 'SpamVerdict' })),
  errors: ['invalidParameters', 'other'],
  summary: 'See what the spam filter says about a message',
  doc: 'Asks the DNS and block lists, but learns nothing and changes no reputation.',
})
