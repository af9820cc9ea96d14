// The wire grammar of IMAP4rev2 and IMAP4rev1 (RFC 9051, RFC 3501 and extensions) for a server: commands out of octets, answers into text.
// Owns limits on what a client may send in one command. Knows nothing of mailboxes, states or who is asking.

export { type ArgumentSource, Arguments, type Literal } from './arguments.ts'
export {
  type BadInput,
  type Command,
  type CommandLimits,
  CommandReader,
  defaultCommandLimits,
  type LiteralOffer,
  type ReaderEvent,
  type ReceivedLine,
} from './command-reader.ts'
export { formatInternalDate, readDateTime, readSearchDay } from './dates.ts'
export { encodeBodyStructure, encodeEnvelope, encodeMailboxName, encodeNString, encodeString, type TextOptions } from './encode.ts'
export { type FetchItem, type FetchRequest, needsOctets, type PlainFetchItem, readFetch, readPartialRange, setsSeen } from './fetch.ts'
export { isUnknownSystemFlag, readFlag, readFlags, systemFlags } from './flags.ts'
export { GrammarError, type GrammarProblem } from './grammar-error.ts'
export {
  compilePattern,
  decodeUtf7,
  encodeUtf7,
  type ListPattern,
  type NameOptions,
  readListPattern,
  readMailboxName,
} from './mailbox-names.ts'
export { encodeMetadata, type GetMetadataRequest, readGetMetadata, readSetMetadata, type SetMetadataRequest } from './metadata.ts'
export {
  type NotifyGroup,
  type NotifyRequest,
  type NotifyScope,
  notifyEvents,
  readNotify,
  UnknownNotifyEvent,
} from './notify.ts'
export {
  type AppendMessage,
  type AppendRequest,
  type ListRequest,
  type QresyncParameter,
  type ReplaceRequest,
  readAppend,
  readAuthenticate,
  readCopy,
  readCreate,
  readEnable,
  readId,
  readList,
  readLogin,
  readLsub,
  readMailbox,
  readRename,
  readReplace,
  readSelect,
  readStatus,
  readStore,
  readUidSet,
  type SelectRequest,
  type StatusItem,
  type StoreRequest,
  statusItems,
} from './requests.ts'
export {
  encodeEsearch,
  encodeFlags,
  encodeLiteral,
  encodeOldSearch,
  encodeThreads,
  FetchResponse,
  itemName,
  type Output,
  type SearchResult,
  sectionName,
  slicePartial,
  type ThreadNode,
} from './responses.ts'
export {
  readMailboxAndIdentifier,
  readQuotaRoot,
  readSetAcl,
  readSetQuota,
  type SetAclRequest,
} from './rights.ts'
export {
  defaultSearchLimits,
  readSearch,
  readSort,
  readThread,
  type SearchField,
  type SearchKey,
  type SearchLimits,
  type SearchRequest,
  type SearchReturn,
  type SortCriterion,
  type SortRequest,
  type ThreadRequest,
} from './search.ts'
export {
  cutPartial,
  extractBinary,
  extractSection,
  locateSection,
  type Partial,
  type Section,
  type SectionPlace,
  type SectionText,
  selectFields,
} from './sections.ts'
export {
  compactSet,
  formatRanges,
  indexesInRanges,
  parseSequenceSet,
  type Range,
  rangesInclude,
  readSequenceSet,
  resolveRanges,
  type SequenceSet,
} from './sets.ts'
export { type MessageUrl, parseMessageUrl } from './urls.ts'
