// The wire grammar of SMTP, LMTP and submission (RFC 5321 and extensions): lines, commands and their parameters, message data both ways,
// replies. Owns limits on lines and replies. Knows no session state and decides nothing about senders or recipients.
export {
  type CommandLine,
  isQualifiedHello,
  type MailCommand,
  parseAuth,
  parseBdat,
  parseCommandLine,
  parseEhloKeywords,
  parseHello,
  parseMail,
  parseRcpt,
  type RcptCommand,
} from './command.ts'
export { type BareNewlines, DataDecoder, DataEncoder, type DecodedData } from './data.ts'
export { type InputEvent, type InputLine, SmtpInput } from './input.ts'
export { formatRcptParameters, type MailParameters, type Notify, type RcptParameters } from './parameters.ts'
export { defaultReplyLimits, formatReply, type Reply, ReplyError, type ReplyLimits, ReplyReader } from './reply.ts'
export { SmtpSyntaxError } from './syntax-error.ts'
export { decodeUtf8Address, decodeXtext, encodeUtf8AddressXtext, encodeXtext } from './xtext.ts'
