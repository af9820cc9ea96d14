// Mail addresses: envelope paths of SMTP, address lists of message headers, domains and address literals. Owns their reading, writing and
// canonical form. Never asks who an address belongs to.
export { domainForDisplay, domainToAscii, isIPv4, isIPv6, readAddressLiteral } from './domain.ts'
export { type AddressGroup, type AddressListOptions, type Mailbox, parseAddressList, parseMailboxes } from './list.ts'
export {
  AddressError,
  canonicalAddress,
  type EnvelopeAddress,
  formatAddress,
  type PathOptions,
  parseAddress,
  parsePath,
  splitAddress,
} from './path.ts'
