// VRFY, EXPN — RFC 5321 §3.5
import { settings as declared } from '@postern/contract'
import { canonicalAddress } from '@postern/mail/address'
import { SmtpSyntaxError } from '@postern/mail/smtp'
import type { Directory, Resolution } from '#services/directory'
import type { Command } from '../command.ts'
import { reply } from '../reply.ts'

type Resolve = Pick<Directory, 'resolve'>

export function vrfy({ resolve }: Resolve): Command['run'] {
  return async (session, args) => {
    const text = operand(args, 'VRFY')
    if (!(await session.rule(declared.session.extensionsVrfy))) {
      session.trace.emit('smtp.vrfy-disabled', { to: text })
      return reply(252, '2.5.1', 'VRFY is disabled.')
    }
    const found = await lookUp(resolve, text)
    if (found === null) return reply(252, '2.4.3', 'Unable to verify address at this time.')
    if (found.kind === 'unknown') {
      session.trace.emit('smtp.vrfy-not-found', { to: text })
      return reply(550, '5.1.2', 'Address not found.')
    }
    session.trace.emit('smtp.vrfy', { to: text, result: 1 })
    return reply(250, null, text)
  }
}

export function expn({ resolve }: Resolve): Command['run'] {
  return async (session, args) => {
    const text = operand(args, 'EXPN')
    if (!(await session.rule(declared.session.extensionsExpn))) {
      session.trace.emit('smtp.expn-disabled', { to: text })
      return reply(252, '2.5.1', 'EXPN is disabled.')
    }
    const found = await lookUp(resolve, text)
    if (found === null) return reply(252, '2.4.3', 'Unable to expand mailing list at this time.')
    if (found.kind !== 'list' || found.addresses.length === 0) {
      session.trace.emit('smtp.expn-not-found', { to: text })
      return reply(550, '5.1.2', 'Mailing list not found.')
    }
    session.trace.emit('smtp.expn', { to: text, result: found.addresses.length })
    return reply(250, null, found.addresses)
  }
}

function operand(args: string, verb: string): string {
  if (args === '') throw new SmtpSyntaxError(501, '5.5.2', `Syntax error, expected: ${verb} string`)
  return /^<(.*)>$/.exec(args)?.[1] ?? args
}

/** Null when the directory does not answer. */
async function lookUp(resolve: Directory['resolve'], text: string): Promise<Resolution | null> {
  if (!text.includes('@')) return { kind: 'unknown' }
  try {
    return await resolve(canonicalAddress(text))
  } catch {
    return null
  }
}
