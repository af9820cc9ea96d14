/**
 * The permissions a role or a principal can hold, the built-in roles, and the headings of a role editor.
 *
 * Deciding what a caller may do (enabled minus disabled, nested roles, tenants) is not done here.
 */
/** Headings permissions are shown under. */
export const permissionGroups = {
  privileges: 'Privileges',
  queue: 'Message queue',
  reports: 'Reports',
  settings: 'Settings',
  individuals: 'Accounts',
  groups: 'Groups',
  domains: 'Domains',
  tenants: 'Tenants',
  'mailing-lists': 'Mailing lists',
  roles: 'Roles',
  principals: 'Resources, locations and others',
  stores: 'Stores',
  dkim: 'DKIM',
  'spam-filter': 'Spam filter',
  maintenance: 'Maintenance',
  telemetry: 'Logs, traces and metrics',
  account: 'Own account',
  jmap: 'JMAP',
  imap: 'IMAP',
  pop3: 'POP3',
  managesieve: 'ManageSieve',
  'api-keys': 'API keys',
  'oauth-clients': 'OAuth clients',
} as const

export type PermissionGroup = keyof typeof permissionGroups

/** Built-in roles. They are no principals, and principals must not take their names. */
export const builtInRoles = ['user', 'tenant-admin', 'admin'] as const

export type BuiltInRole = (typeof builtInRoles)[number]

export interface PermissionDeclaration {
  readonly group: PermissionGroup
  /** Built-in roles that hold it. */
  readonly roles: readonly BuiltInRole[]
  readonly doc: string
}

function administrators(group: PermissionGroup, doc: string): PermissionDeclaration {
  return { group, roles: ['admin'], doc }
}

function tenantAdmins(group: PermissionGroup, doc: string): PermissionDeclaration {
  return { group, roles: ['tenant-admin', 'admin'], doc }
}

function everyone(group: PermissionGroup, doc: string): PermissionDeclaration {
  return { group, roles: ['user', 'tenant-admin', 'admin'], doc }
}

const table = {
  impersonate: administrators('privileges', 'Be treated as member and owner of every account by JMAP, IMAP and access checks.'),
  'unlimited-requests': administrators('privileges', 'Skip per-account request rate and concurrency limits.'),
  'unlimited-uploads': administrators('privileges', 'Skip request body, upload size and temporary blob limits.'),
  'delete-system-folders': administrators('privileges', 'Destroy or move Inbox, Trash and other special folders.'),
  'message-queue-list': tenantAdmins('queue', 'List queued messages.'),
  'message-queue-get': tenantAdmins('queue', 'Read one queued message and the run state of the queue.'),
  'message-queue-update': tenantAdmins('queue', 'Reschedule queued messages, pause and resume the queue.'),
  'message-queue-delete': tenantAdmins('queue', 'Cancel queued messages or single recipients.'),
  'outgoing-report-list': tenantAdmins('reports', 'List pending outgoing aggregate reports.'),
  'outgoing-report-get': tenantAdmins('reports', 'Render one pending outgoing report.'),
  'outgoing-report-delete': tenantAdmins('reports', 'Drop pending outgoing reports.'),
  'incoming-report-list': tenantAdmins('reports', 'List received DMARC, TLS and ARF reports.'),
  'incoming-report-get': tenantAdmins('reports', 'Read one received report.'),
  'incoming-report-delete': tenantAdmins('reports', 'Delete received reports.'),
  'settings-list': administrators('settings', 'Read settings.'),
  'settings-update': administrators('settings', 'Insert, delete and clear settings.'),
  'settings-delete': administrators('settings', 'Delete one key through the DELETE method.'),
  'settings-reload': administrators('settings', 'Reload configuration.'),
  'individual-list': tenantAdmins('individuals', 'List accounts.'),
  'individual-get': tenantAdmins('individuals', 'Read one of the accounts.'),
  'individual-update': tenantAdmins('individuals', 'Modify accounts.'),
  'individual-delete': tenantAdmins('individuals', 'Delete accounts.'),
  'individual-create': tenantAdmins('individuals', 'Create accounts.'),
  'group-list': tenantAdmins('groups', 'List groups.'),
  'group-get': tenantAdmins('groups', 'Read one of the groups.'),
  'group-update': tenantAdmins('groups', 'Modify groups.'),
  'group-delete': tenantAdmins('groups', 'Delete groups.'),
  'group-create': tenantAdmins('groups', 'Create groups.'),
  'domain-list': tenantAdmins('domains', 'List domains.'),
  'domain-get': tenantAdmins('domains', 'Read one of the domains.'),
  'domain-create': tenantAdmins('domains', 'Create domains.'),
  'domain-update': tenantAdmins('domains', 'Modify domains.'),
  'domain-delete': tenantAdmins('domains', 'Delete domains.'),
  'tenant-list': administrators('tenants', 'List tenants.'),
  'tenant-get': administrators('tenants', 'Read one of the tenants.'),
  'tenant-create': administrators('tenants', 'Create tenants.'),
  'tenant-update': administrators('tenants', 'Modify tenants.'),
  'tenant-delete': administrators('tenants', 'Delete tenants.'),
  'mailing-list-list': tenantAdmins('mailing-lists', 'List mailing lists.'),
  'mailing-list-get': tenantAdmins('mailing-lists', 'Read one of the mailing lists.'),
  'mailing-list-create': tenantAdmins('mailing-lists', 'Create mailing lists.'),
  'mailing-list-update': tenantAdmins('mailing-lists', 'Modify mailing lists.'),
  'mailing-list-delete': tenantAdmins('mailing-lists', 'Delete mailing lists.'),
  'role-list': tenantAdmins('roles', 'List roles.'),
  'role-get': tenantAdmins('roles', 'Read one of the roles.'),
  'role-create': tenantAdmins('roles', 'Create roles.'),
  'role-update': tenantAdmins('roles', 'Modify roles.'),
  'role-delete': tenantAdmins('roles', 'Delete roles.'),
  'principal-list': tenantAdmins('principals', 'List resource, location and other principals.'),
  'principal-get': tenantAdmins('principals', 'Read one of the resource, location and other principals.'),
  'principal-create': tenantAdmins('principals', 'Create resource, location and other principals.'),
  'principal-update': tenantAdmins('principals', 'Modify resource, location and other principals.'),
  'principal-delete': tenantAdmins('principals', 'Delete resource, location and other principals.'),
  'blob-fetch': administrators('stores', 'Download any blob by hash.'),
  'purge-blob-store': administrators('stores', 'Start blob garbage collection.'),
  'purge-data-store': administrators('stores', 'Start data-store clean-up.'),
  'purge-in-memory-store': administrators('stores', 'Expire or wipe in-memory keys, Bayes models included.'),
  'purge-account': administrators('stores', 'Start expunge/clean-up of accounts.'),
  'fts-reindex': administrators('stores', 'Rebuild full-text index.'),
  undelete: tenantAdmins('stores', 'List and restore deleted items.'),
  'dkim-signature-create': tenantAdmins('dkim', 'Generate DKIM keys.'),
  'dkim-signature-get': tenantAdmins('dkim', 'Read a DKIM public key.'),
  'spam-filter-update': administrators('spam-filter', 'Fetch a new spam rule set.'),
  'webadmin-update': administrators('maintenance', 'Fetch a new admin UI bundle.'),
  'logs-view': administrators('telemetry', 'Read log files.'),
  'spam-filter-train': everyone(
    'spam-filter',
    "Train Bayes models through the API; moving mail to or from Junk trains the account's own model.",
  ),
  restart: administrators('maintenance', 'Restart the server.'),
  'tracing-list': administrators('telemetry', 'List stored traces.'),
  'tracing-get': administrators('telemetry', 'Read one stored trace.'),
  'tracing-live': administrators('telemetry', 'Open the live trace stream.'),
  'metrics-list': administrators('telemetry', 'Read stored metrics.'),
  'metrics-live': administrators('telemetry', 'Open the live metrics stream.'),
  authenticate: everyone('account', 'Log in at all.'),
  'authenticate-oauth': everyone('account', 'Obtain an OAuth code or approve a device.'),
  'email-send': everyone('account', 'Submit mail.'),
  'email-receive': everyone('account', 'Have mail delivered.'),
  'manage-encryption': everyone('account', 'Manage encryption at rest of the own account.'),
  'manage-passwords': everyone('account', 'Manage the own password, second factor and app passwords.'),
  'jmap-email-get': everyone('jmap', 'Call Email/get.'),
  'jmap-mailbox-get': everyone('jmap', 'Call Mailbox/get.'),
  'jmap-thread-get': everyone('jmap', 'Call Thread/get.'),
  'jmap-identity-get': everyone('jmap', 'Call Identity/get.'),
  'jmap-email-submission-get': everyone('jmap', 'Call EmailSubmission/get.'),
  'jmap-push-subscription-get': everyone('jmap', 'Call PushSubscription/get.'),
  'jmap-sieve-script-get': everyone('jmap', 'Call SieveScript/get.'),
  'jmap-vacation-response-get': everyone('jmap', 'Call VacationResponse/get.'),
  'jmap-principal-get': tenantAdmins('jmap', 'Call Principal/get.'),
  'jmap-quota-get': everyone('jmap', 'Call Quota/get.'),
  'jmap-blob-get': everyone('jmap', 'Call Blob/get.'),
  'jmap-email-set': everyone('jmap', 'Call Email/set.'),
  'jmap-mailbox-set': everyone('jmap', 'Call Mailbox/set.'),
  'jmap-identity-set': everyone('jmap', 'Call Identity/set.'),
  'jmap-email-submission-set': everyone('jmap', 'Call EmailSubmission/set.'),
  'jmap-push-subscription-set': everyone('jmap', 'Call PushSubscription/set.'),
  'jmap-sieve-script-set': everyone('jmap', 'Call SieveScript/set.'),
  'jmap-vacation-response-set': everyone('jmap', 'Call VacationResponse/set.'),
  'jmap-email-changes': everyone('jmap', 'Call Email/changes.'),
  'jmap-mailbox-changes': everyone('jmap', 'Call Mailbox/changes.'),
  'jmap-thread-changes': everyone('jmap', 'Call Thread/changes.'),
  'jmap-identity-changes': everyone('jmap', 'Call Identity/changes.'),
  'jmap-email-submission-changes': everyone('jmap', 'Call EmailSubmission/changes.'),
  'jmap-quota-changes': everyone('jmap', 'Call Quota/changes.'),
  'jmap-email-copy': everyone('jmap', 'Call Email/copy.'),
  'jmap-blob-copy': everyone('jmap', 'Call Blob/copy.'),
  'jmap-email-import': everyone('jmap', 'Call Email/import.'),
  'jmap-email-parse': everyone('jmap', 'Call Email/parse.'),
  'jmap-email-query-changes': everyone('jmap', 'Call Email/queryChanges.'),
  'jmap-mailbox-query-changes': everyone('jmap', 'Call Mailbox/queryChanges.'),
  'jmap-email-submission-query-changes': everyone('jmap', 'Call EmailSubmission/queryChanges.'),
  'jmap-sieve-script-query-changes': everyone('jmap', 'Call SieveScript/queryChanges.'),
  'jmap-principal-query-changes': tenantAdmins('jmap', 'Call Principal/queryChanges.'),
  'jmap-quota-query-changes': everyone('jmap', 'Call Quota/queryChanges.'),
  'jmap-email-query': everyone('jmap', 'Call Email/query.'),
  'jmap-mailbox-query': everyone('jmap', 'Call Mailbox/query.'),
  'jmap-email-submission-query': everyone('jmap', 'Call EmailSubmission/query.'),
  'jmap-sieve-script-query': everyone('jmap', 'Call SieveScript/query.'),
  'jmap-principal-query': tenantAdmins('jmap', 'Call Principal/query.'),
  'jmap-quota-query': everyone('jmap', 'Call Quota/query.'),
  'jmap-search-snippet': everyone('jmap', 'Call SearchSnippet/get.'),
  'jmap-sieve-script-validate': everyone('jmap', 'Call SieveScript/validate.'),
  'jmap-blob-lookup': everyone('jmap', 'Call Blob/lookup.'),
  'jmap-blob-upload': everyone('jmap', 'Call Blob/upload.'),
  'jmap-echo': everyone('jmap', 'Call Core/echo.'),
  'imap-authenticate': everyone('imap', 'Log in to IMAP.'),
  'imap-acl-get': everyone('imap', 'Use GETACL.'),
  'imap-acl-set': everyone('imap', 'Use SETACL/DELETEACL.'),
  'imap-my-rights': everyone('imap', 'Use MYRIGHTS.'),
  'imap-list-rights': everyone('imap', 'Use LISTRIGHTS.'),
  'imap-append': everyone('imap', 'Use APPEND.'),
  'imap-capability': everyone('imap', 'Use CAPABILITY after login.'),
  'imap-id': everyone('imap', 'Use ID.'),
  'imap-copy': everyone('imap', 'Use COPY.'),
  'imap-move': everyone('imap', 'Use MOVE.'),
  'imap-create': everyone('imap', 'Use CREATE.'),
  'imap-delete': everyone('imap', 'Use DELETE mailbox.'),
  'imap-enable': everyone('imap', 'Use ENABLE.'),
  'imap-expunge': everyone('imap', 'Use EXPUNGE/CLOSE.'),
  'imap-fetch': everyone('imap', 'Use FETCH.'),
  'imap-idle': everyone('imap', 'Use IDLE.'),
  'imap-list': everyone('imap', 'Use LIST.'),
  'imap-lsub': everyone('imap', 'Use LSUB.'),
  'imap-namespace': everyone('imap', 'Use NAMESPACE.'),
  'imap-rename': everyone('imap', 'Use RENAME.'),
  'imap-search': everyone('imap', 'Use SEARCH.'),
  'imap-sort': everyone('imap', 'Use SORT.'),
  'imap-select': everyone('imap', 'Use SELECT.'),
  'imap-examine': everyone('imap', 'Use EXAMINE.'),
  'imap-status': everyone('imap', 'Use STATUS.'),
  'imap-store': everyone('imap', 'Use STORE.'),
  'imap-subscribe': everyone('imap', 'Use SUBSCRIBE/UNSUBSCRIBE.'),
  'imap-thread': everyone('imap', 'Use THREAD.'),
  'pop3-authenticate': everyone('pop3', 'Log in to POP3.'),
  'pop3-list': everyone('pop3', 'Use LIST.'),
  'pop3-uidl': everyone('pop3', 'Use UIDL.'),
  'pop3-stat': everyone('pop3', 'Use STAT.'),
  'pop3-retr': everyone('pop3', 'Use RETR/TOP.'),
  'pop3-dele': everyone('pop3', 'Use DELE.'),
  'sieve-authenticate': everyone('managesieve', 'Log in to ManageSieve.'),
  'sieve-list-scripts': everyone('managesieve', 'Use LISTSCRIPTS.'),
  'sieve-set-active': everyone('managesieve', 'Use SETACTIVE.'),
  'sieve-get-script': everyone('managesieve', 'Use GETSCRIPT.'),
  'sieve-put-script': everyone('managesieve', 'Use PUTSCRIPT.'),
  'sieve-delete-script': everyone('managesieve', 'Use DELETESCRIPT.'),
  'sieve-rename-script': everyone('managesieve', 'Use RENAMESCRIPT.'),
  'sieve-check-script': everyone('managesieve', 'Use CHECKSCRIPT.'),
  'sieve-have-space': everyone('managesieve', 'Use HAVESPACE.'),
  'api-key-list': tenantAdmins('api-keys', 'List API keys.'),
  'api-key-get': tenantAdmins('api-keys', 'Read one of the API keys.'),
  'api-key-create': tenantAdmins('api-keys', 'Create API keys.'),
  'api-key-update': tenantAdmins('api-keys', 'Modify API keys.'),
  'api-key-delete': tenantAdmins('api-keys', 'Delete API keys.'),
  'oauth-client-list': administrators('oauth-clients', 'List OAuth clients.'),
  'oauth-client-get': administrators('oauth-clients', 'Read one of the OAuth clients.'),
  'oauth-client-create': administrators('oauth-clients', 'Create OAuth clients.'),
  'oauth-client-update': administrators('oauth-clients', 'Modify OAuth clients.'),
  'oauth-client-delete': administrators('oauth-clients', 'Delete OAuth clients.'),
  'oauth-client-registration': administrators('oauth-clients', 'Register OAuth clients through `/auth/register`.'),
  'oauth-client-override': administrators('oauth-clients', 'Use an unregistered client or redirect URI when registration is mandatory.'),
  'ai-model-interact': administrators('account', "Let the account's Sieve scripts call the LLM."),
  troubleshoot: administrators('maintenance', 'Run delivery and DMARC diagnostics.'),
  'spam-filter-classify': everyone('spam-filter', 'Have incoming mail classified per account; classify a message through the API.'),
} as const satisfies Record<string, PermissionDeclaration>

export type PermissionId = keyof typeof table

/** What a login may do. The order of the table is part of the contract: the number of a permission is its position. */
export const permissions: Readonly<Record<PermissionId, PermissionDeclaration>> = table

/** All identifiers; the index of an identifier is its number. */
export const permissionIds: readonly PermissionId[] = Object.keys(table) as PermissionId[]

export function isPermissionId(text: string): text is PermissionId {
  return Object.hasOwn(table, text)
}

/** Permissions of a built-in role, in order. */
export function permissionsOfRole(role: BuiltInRole): readonly PermissionId[] {
  return permissionIds.filter(id => permissions[id].roles.includes(role))
}
