// Sockets: listeners, connections, TLS, the PROXY protocol. Every byte that enters or leaves the process by TCP passes here, with
// back-pressure on both sides and a bound on what waits. Never interprets what is said.

export { type Clients, createClients } from './clients.ts'
export { type ConnectOptions, connect } from './connect.ts'
export { type Connection, ConnectionClosed, IdleTimeout, type TlsInfo } from './connection.ts'
export { deflateConnection } from './deflate.ts'
export { ListenError, type Listener, type ListenerOptions, listen, type Refusal } from './listener.ts'
export { ProxyError, type ProxyHeader, ProxyParser } from './proxy.ts'
export { type ClientTls, createServerTls, type PeerVerdict, type ServerTls, type ServerTlsOptions, TlsError } from './tls.ts'
