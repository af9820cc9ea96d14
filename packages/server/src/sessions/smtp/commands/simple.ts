// RSET, NOOP, HELP, QUIT and what is known but not done — RFC 5321 §4.1.1.5, §4.1.1.8–10
import { failure } from '@postern/contract'
import type { Command, Session } from '../command.ts'
import { done, type Reply, reply, replyToFailure } from '../reply.ts'

export async function rset(session: Session): Promise<Reply> {
  await session.reset()
  session.trace.emit('smtp.rset')
  return done
}

export async function noop({ trace }: Session): Promise<Reply> {
  trace.emit('smtp.noop')
  return done
}

export async function help({ trace }: Session): Promise<Reply> {
  trace.emit('smtp.help')
  return reply(214, '2.0.0', 'RFC 5321 tells all about it.')
}

export async function quit({ trace }: Session): Promise<Reply> {
  trace.emit('smtp.quit')
  return { code: 221, enhanced: '2.0.0', text: 'Bye.', ends: true }
}

export function notImplemented(verb: string): Command['run'] {
  return async ({ trace }) => {
    trace.emit('smtp.command-not-implemented', { details: verb })
    return replyToFailure(failure('commandNotImplemented'))
  }
}
