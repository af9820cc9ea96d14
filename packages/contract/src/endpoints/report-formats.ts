import Type, { type TSchema } from 'typebox'
import { natural, nullable, nullableText, text, texts, timestamp, words } from './parts.ts'

const extensions = Type.Array(Type.Object({ name: text, definition: text }))
const alignment = words('Relaxed', 'Strict', 'Unspecified')
const wish = words('None', 'Quarantine', 'Reject', 'Unspecified')
const outcome = words('Pass', 'Fail', 'Unspecified')

const record = Type.Object({
  row: Type.Object({
    source_ip: nullableText,
    count: natural,
    policy_evaluated: Type.Object({
      disposition: words('None', 'Pass', 'Quarantine', 'Reject', 'Unspecified'),
      dkim: outcome,
      spf: outcome,
      reason: Type.Array(
        Type.Object({
          type_: words('Forwarded', 'SampledOut', 'TrustedForwarder', 'MailingList', 'LocalPolicy', 'Other'),
          comment: nullableText,
        }),
      ),
    }),
  }),
  identifiers: Type.Object({ envelope_to: nullableText, envelope_from: text, header_from: text }),
  auth_results: Type.Object({
    dkim: Type.Array(
      Type.Object({
        domain: text,
        selector: text,
        result: words('None', 'Pass', 'Fail', 'Policy', 'Neutral', 'TempError', 'PermError'),
        human_result: nullableText,
      }),
    ),
    spf: Type.Array(
      Type.Object({
        domain: text,
        scope: words('Helo', 'MailFrom', 'Unspecified'),
        result: words('None', 'Neutral', 'Pass', 'Fail', 'SoftFail', 'TempError', 'PermError'),
        human_result: nullableText,
      }),
    ),
  }),
  extensions,
})

/** DMARC aggregate report (RFC 7489 appendix C). Enumerations are capitalised; begin and end are Unix seconds. */
export const dmarcReport = Type.Object(
  {
    version: Type.Number(),
    report_metadata: Type.Object({
      org_name: text,
      email: text,
      extra_contact_info: nullableText,
      report_id: text,
      date_range: Type.Object({ begin: natural, end: natural }),
      error: texts,
    }),
    policy_published: Type.Object({
      domain: text,
      version_published: nullable(Type.Number()),
      adkim: alignment,
      aspf: alignment,
      p: wish,
      sp: wish,
      testing: Type.Boolean(),
      fo: nullableText,
    }),
    record: Type.Array(record),
    extensions,
  },
  { title: 'DmarcReport' },
)

const failureTypes = words(
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
  'Other',
)

/** TLS report (RFC 8460 §4). */
export const tlsReport = Type.Object(
  {
    'organization-name': nullableText,
    'date-range': Type.Object({ 'start-datetime': timestamp, 'end-datetime': timestamp }),
    'contact-info': nullableText,
    'report-id': text,
    policies: Type.Array(
      Type.Object({
        policy: Type.Object({
          'policy-type': words('tlsa', 'sts', 'no-policy-found', 'Other'),
          'policy-string': texts,
          'policy-domain': text,
          'mx-host': texts,
        }),
        summary: Type.Object({ 'total-successful-session-count': natural, 'total-failure-session-count': natural }),
        'failure-details': Type.Array(
          Type.Object({
            'result-type': failureTypes,
            'sending-mta-ip': nullableText,
            'receiving-mx-hostname': nullableText,
            'receiving-mx-helo': nullableText,
            'receiving-ip': nullableText,
            'failed-session-count': natural,
            'additional-information': nullableText,
            'failure-reason-code': nullableText,
          }),
        ),
      }),
    ),
  },
  { title: 'TlsReport' },
)

/** Feedback report (RFC 5965, RFC 6591). */
export const arfReport = Type.Object(
  {
    feedback_type: words('Abuse', 'AuthFailure', 'Fraud', 'NotSpam', 'Other', 'Virus'),
    arrival_date: nullable(Type.Integer({ description: 'Unix seconds' })),
    authentication_results: texts,
    incidents: natural,
    original_envelope_id: nullableText,
    original_mail_from: nullableText,
    original_rcpt_to: nullableText,
    reported_domain: texts,
    reported_uri: texts,
    reporting_mta: nullableText,
    source_ip: nullableText,
    user_agent: nullableText,
    version: natural,
    source_port: natural,
    auth_failure: words('Adsp', 'BodyHash', 'Revoked', 'Signature', 'Spf', 'Dmarc', 'Unspecified'),
    delivery_result: words('Delivered', 'Spam', 'Policy', 'Reject', 'Other', 'Unspecified'),
    dkim_adsp_dns: nullableText,
    dkim_canonicalized_body: nullableText,
    dkim_canonicalized_header: nullableText,
    dkim_domain: nullableText,
    dkim_identity: nullableText,
    dkim_selector: nullableText,
    dkim_selector_dns: nullableText,
    spf_dns: nullableText,
    identity_alignment: words('None', 'Spf', 'Dkim', 'DkimSpf', 'Unspecified'),
    message: nullableText,
    headers: nullableText,
  },
  { title: 'ArfReport' },
)

/** A report that came by mail. */
export function received<S extends TSchema>(report: S) {
  return Type.Object({ from: text, to: texts, subject: text, report })
}
