// Writing mail: header fields folded and encoded, entities, the trace fields a server puts in front, small edits of a header before it is
// stored (RFC 5322, RFC 2045). Knows syntax; never decides which fields a message gets, never touches a body.
export { hasField, removeFields } from './edit.ts'
export { type Entity, type LeafEntity, type MultipartEntity, writeEntity, writeMessage } from './entity.ts'
export { formatAddressField, formatDate, formatField, formatTextField, parameterWords } from './fields.ts'
export { type Thread, type Threadable, threadByIds, threadByReferences, threadBySubject } from './threads.ts'
export { formatDeliveredTo, formatReceived, formatReturnPath, type ReceivedField, receivedProtocol } from './trace-fields.ts'
