// Notices about delivery (RFC 3464 in multipart/report, RFC 6522; RFC 6533 where addresses are not ASCII). Writes bytes from facts;
// never decides who is told what.
export { buildDsn, type Dsn, type DsnRecipient } from './build.ts'
