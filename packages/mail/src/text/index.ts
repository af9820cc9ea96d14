// Text in mail: charsets, transfer encodings, encoded words, subjects, HTML to plain text. Owns how bytes become characters and back.
// Never looks at message structure.
export { type BaseSubject, baseSubject, threadSubject } from './base-subject.ts'
export { type DecodedText, decodeText, decodeUnlabelled, htmlCharset, isKnownCharset } from './charset.ts'
export { months, twoDigits } from './dates.ts'
export { decodeEncodedWords, decodeUnstructured, encodeUnstructured, encodeWords, fieldText, unfold } from './encoded-words.ts'
export { decodeEntities } from './entities.ts'
export { htmlToText } from './html-text.ts'
export { percentEncoded } from './percent.ts'
export { type DecodedBytes, decodeBase64, decodeQuotedPrintable, encodeBase64Lines, encodeQuotedPrintable } from './transfer.ts'
