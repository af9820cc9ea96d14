// The session as the expressions of the settings see it (contexts conn, ehlo, mail, rcpt).
import type { Variables } from '#data/settings'
import type { Session } from './command.ts'
import { domainOf } from './transaction.ts'

/** Made once per session: every value is asked for when an expression wants it. */
export function sessionVariables(session: Session): Variables {
  const { connection, listenerId, isLmtp } = session
  const sender = (): string => session.transaction?.sender.toLowerCase() ?? ''
  const recipient = (): string => session.transaction?.latest ?? ''
  return {
    listener: listenerId,
    remote_ip: connection.remoteIp,
    remote_port: connection.remotePort,
    local_ip: connection.localIp,
    local_port: connection.localPort,
    protocol: isLmtp ? 'lmtp' : 'smtp',
    is_tls: () => Number(connection.tls !== undefined),
    asn: 0,
    country: '',
    helo_domain: () => session.hello?.name ?? '',
    sender,
    sender_domain: () => domainOf(sender()),
    authenticated_as: () => session.login?.name ?? '',
    rcpt: recipient,
    rcpt_domain: () => domainOf(recipient()),
    recipients: () => session.transaction?.recipients.map(({ address }) => address.toLowerCase()) ?? [],
    priority: () => String(session.transaction?.priority ?? 0),
  }
}
