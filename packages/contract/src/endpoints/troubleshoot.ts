import Type, { type TProperties } from 'typebox'
import { endpoint } from './endpoint.ts'
import { data, flag, json, natural, nullableText, path, query, text, texts, words } from './parts.ts'

export const getTroubleshootToken = endpoint({
  id: 'getTroubleshootToken',
  method: 'GET',
  path: '/api/troubleshoot/token',
  access: 'troubleshoot',
  impact: 'read',
  output: data(text),
  summary: 'Get a token for the delivery test, good for a minute',
})

const elapsed = { elapsed: Type.Integer({ minimum: 0, description: 'milliseconds' }) } as const
const failed = { reason: text, ...elapsed } as const
const refused = { reason: text } as const

function stage<const N extends string, P extends TProperties>(name: N, properties: P) {
  return Type.Object({ type: Type.Literal(name), ...properties })
}

const mtaStsPolicy = Type.Object({
  id: text,
  mode: words('enforce', 'testing', 'none'),
  mx: Type.Array(Type.Union([Type.Object({ equals: text }), Type.Object({ startsWith: text })])),
  max_age: natural,
})

const tlsaRecord = Type.Object({
  entries: Type.Array(Type.Object({ is_end_entity: flag, is_sha256: flag, is_spki: flag, data: Type.Array(natural) })),
  has_end_entities: flag,
  has_intermediates: flag,
})

const deliveryStage = Type.Union(
  [
    stage('mxLookupStart', { domain: text }),
    stage('mxLookupSuccess', { mxs: Type.Array(Type.Object({ exchanges: texts, preference: natural })), ...elapsed }),
    stage('mxLookupError', failed),
    stage('mtaStsFetchStart', {}),
    stage('mtaStsFetchSuccess', { policy: mtaStsPolicy, ...elapsed }),
    stage('mtaStsFetchError', failed),
    stage('mtaStsNotFound', elapsed),
    stage('tlsRptLookupStart', {}),
    stage('tlsRptLookupSuccess', {
      rua: Type.Array(
        Type.Union([Type.Object({ type: Type.Literal('mail'), email: text }), Type.Object({ type: Type.Literal('http'), url: text })]),
      ),
      ...elapsed,
    }),
    stage('tlsRptLookupError', failed),
    stage('tlsRptNotFound', elapsed),
    stage('deliveryAttemptStart', { hostname: text }),
    stage('mtaStsVerifySuccess', {}),
    stage('mtaStsVerifyError', refused),
    stage('tlsaLookupStart', {}),
    stage('tlsaLookupSuccess', { record: tlsaRecord, ...elapsed }),
    stage('tlsaNotFound', failed),
    stage('tlsaLookupError', failed),
    stage('ipLookupStart', {}),
    stage('ipLookupSuccess', { remote_ips: texts, ...elapsed }),
    stage('ipLookupError', failed),
    stage('connectionStart', { remote_ip: text }),
    stage('connectionSuccess', elapsed),
    stage('connectionError', failed),
    stage('readGreetingStart', {}),
    stage('readGreetingSuccess', elapsed),
    stage('readGreetingError', failed),
    stage('ehloStart', {}),
    stage('ehloSuccess', elapsed),
    stage('ehloError', failed),
    stage('startTlsStart', {}),
    stage('startTlsSuccess', elapsed),
    stage('startTlsError', failed),
    stage('daneVerifySuccess', {}),
    stage('daneVerifyError', refused),
    stage('mailFromStart', {}),
    stage('mailFromSuccess', elapsed),
    stage('mailFromError', failed),
    stage('rcptToStart', {}),
    stage('rcptToSuccess', elapsed),
    stage('rcptToError', failed),
    stage('quitStart', {}),
    stage('quitCompleted', elapsed),
    stage('completed', {}),
  ],
  { title: 'DeliveryStage' },
)

export const testDelivery = endpoint({
  id: 'testDelivery',
  method: 'GET',
  path: '/api/troubleshoot/delivery/{recipient}',
  access: 'troubleshoot',
  streamToken: 'troubleshoot',
  impact: 'read',
  params: { recipient: path.text('Address or domain.') },
  query: { timeout: query.natural('Seconds per step on the network; 30 when absent.'), token: query.text('Token instead of a login.') },
  output: { kind: 'events', events: { event: Type.Array(deliveryStage, { minItems: 1, maxItems: 1 }) } },
  summary: 'Try a delivery up to RCPT and watch every step',
  doc: 'The last stage is always `completed`. The run ends after the first success, or when the client goes away.',
})

const verdict = Type.Union(
  [
    Type.Object({ type: Type.Literal('pass') }),
    Type.Object({ type: Type.Literal('none') }),
    Type.Object({ type: words('fail', 'softFail', 'tempError', 'permError', 'neutral'), details: nullableText }),
  ],
  { title: 'AuthenticationVerdict' },
)

export const testDmarc = endpoint({
  id: 'testDmarc',
  method: 'POST',
  path: '/api/troubleshoot/dmarc',
  access: 'troubleshoot',
  impact: 'read',
  body: json(Type.Object({ remoteIp: text, ehloDomain: text, mailFrom: text, body: Type.Optional(nullableText) }), 'message'),
  output: data(
    Type.Object({
      spfEhloDomain: text,
      spfEhloResult: verdict,
      spfMailFromDomain: text,
      spfMailFromResult: verdict,
      ipRevResult: verdict,
      ipRevPtr: texts,
      dkimResults: Type.Array(verdict),
      dkimPass: flag,
      arcResult: verdict,
      dmarcResult: verdict,
      dmarcPass: flag,
      dmarcPolicy: words('none', 'quarantine', 'reject', 'unspecified'),
      ...elapsed,
    }),
  ),
  errors: ['invalidParameters', 'other'],
  summary: 'Check SPF, DKIM, ARC and DMARC of a message as if it came from an address',
})
