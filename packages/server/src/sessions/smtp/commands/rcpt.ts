// RCPT — RFC 5321 §4.1.1.3, RFC 3461 §4.1, §4.2
import { settings as declared, Failure, failure } from '@postern/contract'
import { canonicalAddress } from '@postern/mail/address'
import { parseRcpt, type RcptParameters } from '@postern/mail/smtp'
import type { Bans } from '#services/access'
import type { Directory, Resolution } from '#services/directory'
import { type EnvelopeRecipient, recipientFlags } from '#services/queue'
import { type Answer, type Command, Hangup, type Session } from '../command.ts'
import { reply, replyToFailure } from '../reply.ts'
import type { Throttles } from '../throttles.ts'
import { domainOf, hasDsnParameters, type Transaction } from '../transaction.ts'

interface Parts {
  readonly directory: Pick<Directory, 'domains' | 'isLocalDomain' | 'resolve' | 'rights'>
  readonly bans: Pick<Bans, 'count'>
  readonly throttles: Pick<Throttles, 'refuse'>
}

const accepted = reply(250, '2.1.5', 'OK')

/** Where a recipient leads. */
type Route = { readonly kind: 'remote' } | Resolution

export function rcpt(parts: Parts): Command['run'] {
  return async (session, args) => {
    const { transaction } = session
    if (transaction === null) throw new Error('RCPT was let through without a transaction')
    const { forwardPath, parameters } = parseRcpt(args)
    // RFC 3461 §4.1, §4.2: NOTIFY and ORCPT at most once.
    if (parameters.repeated.length > 0) return replyToFailure(failure('parameterInvalid'), 'A parameter is given twice.')
    const limit = (await session.rule(declared.session.rcptMaxRecipients)) ?? 100
    if (transaction.recipients.length >= limit) {
      session.trace.emit('smtp.too-many-recipients', { limit })
      transaction.hasRefused = true
      return replyToFailure(failure('tooManyRecipients', { maxRecipients: limit }))
    }
    if (hasDsnParameters(parameters) && !(await session.rule(declared.session.extensionsDsn))) {
      session.trace.emit('smtp.dsn-disabled')
      return replyToFailure(failure('extensionDisabled'), 'DSN extension has been disabled.')
    }
    const given = forwardPath.domain === '' ? await postmaster(session, parts.directory) : forwardPath.address
    transaction.latest = given.toLowerCase()
    if (transaction.known.has(transaction.latest)) {
      session.trace.emit('smtp.rcpt-to-duplicate', { to: given })
      transaction.accepted++
      return accepted
    }
    const address = await rewritten(session, transaction, given)
    try {
      const found = await route(session, parts.directory, address)
      const spent = await parts.throttles.refuse('rcpt', session)
      if (spent !== null) throw spent
      add(transaction, address, { parameters, route: found })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return refuse(session, transaction, { error, address, bans: parts.bans })
    }
    transaction.needsUtf8 ||= forwardPath.needsUtf8
    transaction.accepted++
    session.trace.emit('smtp.rcpt-to', { to: address })
    return accepted
  }
}

/** RFC 5321 §4.5.1: `<postmaster>` without a domain is ours, whoever that is here. */
async function postmaster({ hostname }: Session, directory: Parts['directory']): Promise<string> {
  const labels = hostname.split('.')
  const near = labels.map((_, index) => labels.slice(index).join('.')).slice(0, -1)
  for (const domain of new Set([...near, ...(await directory.domains())])) {
    const address = `postmaster@${domain}`
    if ((await directory.isLocalDomain(domain)) && (await directory.resolve(address)).kind !== 'unknown') return address
  }
  return `postmaster@${hostname}`
}

async function rewritten(session: Session, transaction: Transaction, address: string): Promise<string> {
  const found = await session.rule(declared.session.rcptRewrite)
  if (found === undefined || !found.includes('@') || found === address) return address
  session.trace.emit('smtp.rcpt-to-rewritten', { to: address, details: found })
  transaction.latest = found.toLowerCase()
  return found
}

/** Throws the failures `unknownRecipient`, `recipientMayNotReceive`, `relayDenied`, `directoryUnavailable`. */
async function route(session: Session, directory: Parts['directory'], address: string): Promise<Route> {
  const hasDirectory = (await session.rule(declared.session.rcptDirectory)) !== undefined
  let found: Route = { kind: 'remote' }
  let mayReceive = true
  try {
    if (hasDirectory && (await directory.isLocalDomain(domainOf(address)))) found = await directory.resolve(canonicalAddress(address))
    // Said now, the sender hears of it from their own server; said later, whoever's name was forged would.
    if (found.kind === 'mailbox') mayReceive = (await directory.rights(found.accountId)).has('email-receive')
  } catch (error) {
    throw failure('directoryUnavailable', {}, { cause: error })
  }
  if (found.kind === 'unknown') throw failure('unknownRecipient')
  if (!mayReceive) throw failure('recipientMayNotReceive')
  if (found.kind === 'remote' && !(await session.rule(declared.session.rcptRelay))) throw failure('relayDenied')
  return found
}

function add(transaction: Transaction, address: string, { parameters, route }: { parameters: RcptParameters; route: Route }): void {
  const flags = notifyFlags(parameters)
  transaction.known.add(transaction.latest)
  if (route.kind !== 'list') {
    const { originalRecipient: original } = parameters
    transaction.recipients.push({ address, flags, orcpt: original === null ? undefined : `${original.type};${original.address}` })
    return
  }
  // RFC 5321 §3.9.2 asks for a sender of the list's own; an alias keeps the sender and says by ORCPT how the copy came about.
  for (const member of route.addresses) {
    if (transaction.known.has(member.toLowerCase())) continue
    transaction.known.add(member.toLowerCase())
    transaction.recipients.push({ address: member, flags, orcpt: `rfc822;${address}` } satisfies EnvelopeRecipient)
  }
}

function notifyFlags({ notify }: RcptParameters): number {
  if (notify === null) return 0
  const { success, failure: onFailure, delay } = notify
  if (!success && !onFailure && !delay) return recipientFlags.notifyNever
  return (
    (success ? recipientFlags.notifySuccess : 0) | (onFailure ? recipientFlags.notifyFailure : 0) | (delay ? recipientFlags.notifyDelay : 0)
  )
}

interface Refusal {
  readonly error: Failure
  readonly address: string
  readonly bans: Parts['bans']
}

/** Guessing addresses costs time, ends the session, and in the long run the welcome. */
async function refuse(session: Session, transaction: Transaction, { error, address, bans }: Refusal): Promise<Answer> {
  transaction.hasRefused = true
  const answer = replyToFailure(error)
  if (error.code !== 'unknownRecipient' && error.code !== 'relayDenied') {
    if (error.cause !== undefined) session.trace.emit('smtp.error', { reason: error.code, details: String(error.cause) })
    return answer
  }
  session.trace.emit(error.code === 'relayDenied' ? 'smtp.relay-not-allowed' : 'smtp.mailbox-does-not-exist', { to: address })
  await session.pause((await session.rule(declared.session.rcptErrorsWait)) ?? 0)
  const { remoteIp } = session.connection
  const isBanned =
    session.login === null && (await bans.count('abuse', remoteIp, { key: address.toLowerCase(), evidence: `RCPT ${address}` }))
  if (isBanned) throw new Hangup()
  const limit = (await session.rule(declared.session.rcptErrorsTotal)) ?? 5
  if (++session.badRecipients < limit) return answer
  session.trace.emit('smtp.too-many-invalid-rcpt', { limit, to: address })
  return replyToFailure(failure('tooManyErrors'))
}
