// POP3 on the wire (RFC 1939, RFC 2449): command lines and their arguments, messages as multi-line responses. Owns limits on lines, dot
// stuffing and line ends. Knows no session state.
export { CommandReader, type CommandText, parseCommand, readNumbers, readText } from './command.ts'
export { BareLineFeeds, MessageEncoder } from './message.ts'
export { Pop3SyntaxError } from './syntax-error.ts'
