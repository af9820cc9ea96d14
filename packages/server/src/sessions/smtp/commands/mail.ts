// MAIL — RFC 5321 §4.1.1.2 with the parameters of RFC 1870, 3030, 3461, 4865, 6152, 6531, 6710, 8689
import { settings as declared, type Failure, failure } from '@postern/contract'
import { type MailParameters, parseMail } from '@postern/mail/smtp'
import type { Clock } from '#base/clock'
import type { Directory } from '#services/directory'
import type { Command, Session } from '../command.ts'
import { type Reply, reply, replyToFailure } from '../reply.ts'
import type { Throttles } from '../throttles.ts'
import { beginTransaction, type Transaction } from '../transaction.ts'

interface Parts {
  readonly directory: Pick<Directory, 'ownsAddress'>
  readonly clock: Pick<Clock, 'now'>
  readonly throttles: Pick<Throttles, 'refuse'>
}

export function mail({ directory, clock, throttles }: Parts): Command['run'] {
  return async (session, args) => {
    const { reversePath, parameters } = parseMail(args)
    if (session.hello === null && (await session.rule(declared.session.ehloRequire))) {
      session.trace.emit('smtp.did-not-say-ehlo')
      return replyToFailure(failure('ehloRequired'))
    }
    if (session.login === null && (await session.rule(declared.session.authRequire))) {
      session.trace.emit('smtp.mail-from-unauthenticated')
      return replyToFailure(failure('unauthorized'), 'You must authenticate first.')
    }
    const refused = refuseForm(session, parameters)
    if (refused !== null) return refused
    const transaction = beginTransaction(reversePath.address, parameters, reversePath.needsUtf8)
    // The rules below want to know the sender.
    session.transaction = transaction
    const refusal =
      (await refuseSender(session, transaction, directory)) ??
      (await refuseParameters(session, transaction, clock)) ??
      (await throttled(session, throttles))
    if (refusal !== null) {
      session.transaction = null
      return refusal
    }
    session.trace.emit('smtp.mail-from', { from: transaction.sender })
    return reply(250, '2.1.0', 'OK')
  }
}

/** Parameters belong to extensions, which HELO does not begin (RFC 5321 §4.1.1.1); RFC 3461 §4.3, §4.4: RET and ENVID at most once. */
function refuseForm({ hello }: Session, { repeated, ...given }: MailParameters): Reply | null {
  if (hello?.isExtended === false && Object.values(given).some(value => value !== null && value !== false))
    return reply(555, '5.5.4', 'Parameters need EHLO.')
  const twice = repeated.find(name => name === 'RET' || name === 'ENVID')
  return twice === undefined ? null : replyToFailure(failure('parameterInvalid'), `Parameter ${twice} given twice.`)
}

async function refuseSender(session: Session, transaction: Transaction, directory: Parts['directory']): Promise<Reply | null> {
  if (!(await session.rule(declared.session.mailIsAllowed))) {
    session.trace.emit('smtp.mail-from-not-allowed', { from: transaction.sender })
    return replyToFailure(failure('senderNotAllowed'))
  }
  await rewrite(session, transaction)
  const { login } = session
  // RFC 8098 §3: notices of a mail program go out with the null sender.
  if (login === null || transaction.sender === '' || !(await session.rule(declared.session.authMustMatchSender))) return null
  if (await directory.ownsAddress(login.accountId, transaction.sender)) return null
  session.trace.emit('smtp.mail-from-unauthorized', { from: transaction.sender, accountName: login.name })
  return replyToFailure(failure('senderNotOwned'))
}

async function throttled(session: Session, throttles: Parts['throttles']): Promise<Reply | null> {
  const spent = await throttles.refuse('mail', session)
  return spent === null ? null : replyToFailure(spent)
}

async function rewrite(session: Session, transaction: Transaction): Promise<void> {
  const rewritten = await session.rule(declared.session.mailRewrite)
  if (rewritten === undefined || (rewritten !== '' && !rewritten.includes('@')) || rewritten === transaction.sender) return
  session.trace.emit('smtp.mail-from-rewritten', { from: transaction.sender, details: rewritten })
  transaction.sender = rewritten
}

/** A parameter of an extension that is not offered, or beyond what is offered. */
async function refuseParameters(session: Session, transaction: Transaction, clock: Pick<Clock, 'now'>): Promise<Reply | null> {
  const { parameters } = transaction
  const { size } = parameters
  const limit = (await session.rule(declared.session.dataLimitsSize)) ?? 0
  if (size !== null && limit > 0 && size > limit) {
    session.trace.emit('smtp.message-too-large', { size, limit })
    return replyToFailure(failure('messageTooLarge', { limit }))
  }
  const { requireTls, ret, envId, body, deliverBy, priority } = parameters
  if (requireTls) {
    if (!(await session.rule(declared.session.extensionsRequiretls))) {
      session.trace.emit('smtp.require-tls-disabled')
      return disabled('REQUIRETLS')
    }
    // RFC 8689 §4.1: what came in clear is already out.
    if (session.connection.tls === undefined) return reply(530, '5.7.0', 'REQUIRETLS needs TLS, say STARTTLS first.')
  }
  if (body === 'BINARYMIME' && !(await session.rule(declared.session.extensionsChunking))) return disabled('BINARYMIME')
  // The queue keeps no deadline of the sender's, so DELIVERBY is not offered.
  if (deliverBy !== null) {
    session.trace.emit('smtp.deliver-by-disabled')
    return disabled('DELIVERBY')
  }
  if (priority !== null) {
    if ((await session.rule(declared.session.extensionsMtPriority)) === undefined) {
      session.trace.emit('smtp.mt-priority-disabled')
      return disabled('MT-PRIORITY')
    }
    transaction.priority = priority
  }
  if ((ret !== null || envId !== null) && !(await session.rule(declared.session.extensionsDsn))) {
    session.trace.emit('smtp.dsn-disabled')
    return disabled('DSN')
  }
  return hold(session, transaction, clock.now())
}

/** RFC 4865 §4. */
async function hold(session: Session, transaction: Transaction, now: number): Promise<Reply | null> {
  const wanted = holdTime(transaction.parameters, now)
  if (wanted === null) return null
  const longest = await session.rule(declared.session.extensionsFutureRelease)
  if (longest === undefined) {
    session.trace.emit('smtp.future-release-disabled')
    return disabled('FUTURERELEASE')
  }
  if (wanted - now > longest) {
    session.trace.emit('smtp.future-release-invalid', { details: String(wanted) })
    return refusedValue(failure('parameterInvalid'), `Requested hold time exceeds maximum of ${Math.floor(longest / 1000)} seconds.`)
  }
  transaction.holdUntil = wanted
  return null
}

function holdTime({ holdForSeconds, holdUntil }: MailParameters, now: number): number | null {
  return holdForSeconds !== null ? now + holdForSeconds * 1000 : holdUntil
}

function disabled(extension: string): Reply {
  return refusedValue(failure('extensionDisabled'), `${extension} extension has been disabled.`)
}

function refusedValue(why: Failure, text: string): Reply {
  return replyToFailure(why, text)
}
