// Mail that goes in circles (RFC 5321 §6.3).
import { settings as declared, failure } from '@postern/contract'
import { readFields } from '@postern/mail/mime'
import type { Stage } from './stage.ts'

export const loop: Stage = async ({ head }, { session }, verdict) => {
  const limit = (await session.rule(declared.session.dataLimitsReceivedHeaders)) ?? 50
  const total = readFields(head).filter(({ name }) => name === 'received').length
  if (total <= limit) return verdict
  session.trace.emit('smtp.loop-detected', { total, limit })
  return { ...verdict, refusal: failure('loopDetected') }
}
