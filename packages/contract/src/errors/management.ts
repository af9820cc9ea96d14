import { type ErrorDeclaration, management, no, notFoundProblem, other, problem, smtp } from './declaration.ts'

/** Answers of the management API that carry a name. Other protocols meet them through a caller of a service only. */
export const managementErrors = {
  resourceNotFound: {
    meaning: 'The path, queue message, report, store or signature does not exist.',
    text: 'The requested resource does not exist on this server.',
    smtp: smtp(550, '5.5.1'),
    imap: no('NONEXISTENT'),
    jmap: { set: 'notFound' },
    http: notFoundProblem,
  },
  notFound: {
    meaning: 'A principal, domain, blob or other named thing does not exist.',
    text: 'There is no such thing.',
    smtp: smtp(550, '5.5.1'),
    imap: no('NONEXISTENT'),
    jmap: { set: 'notFound' },
    http: management('notFound', 'item'),
  },
  fieldAlreadyExists: {
    meaning: 'A name or address is taken.',
    text: 'The value is already in use.',
    smtp: smtp(550, '5.5.1'),
    imap: no('ALREADYEXISTS'),
    jmap: { set: 'alreadyExists' },
    http: management('fieldAlreadyExists', 'field', 'value'),
  },
  fieldMissing: {
    meaning: 'A field that is needed is absent.',
    text: 'A required field is missing.',
    smtp: smtp(501, '5.5.4'),
    imap: no('CANNOT'),
    jmap: { set: 'invalidProperties' },
    http: management('fieldMissing', 'field'),
  },
  tenantQuotaExceeded: {
    meaning: 'The tenant may not have more principals of this type.',
    text: 'The quota of the tenant is exceeded.',
    smtp: smtp(550, '5.7.1'),
    imap: no('OVERQUOTA'),
    jmap: { set: 'overQuota' },
    http: problem(403, 'Tenant quota exceeded', 'You have exceeded the tenant quota.'),
  },
  unsupported: {
    meaning: 'The installation is not set up for this.',
    text: 'This is not available here.',
    smtp: smtp(502, '5.5.1'),
    imap: no('CANNOT'),
    jmap: { method: 'forbidden', set: 'forbidden' },
    http: management('unsupported', 'details'),
  },
  assertFailed: {
    meaning: 'The precondition of a change does not hold.',
    text: 'The precondition failed.',
    smtp: smtp(550, '5.5.1'),
    imap: no('CANNOT'),
    jmap: { method: 'stateMismatch' },
    http: management('assertFailed'),
  },
  other: {
    meaning: 'The request was refused for the stated reason.',
    text: 'The request was refused.',
    smtp: smtp(550, '5.5.1'),
    imap: no('CANNOT'),
    jmap: { method: 'forbidden', set: 'forbidden' },
    http: other,
  },
} as const satisfies Record<string, ErrorDeclaration>
