// SASL messages: Base64 lines to octets, octets to what the client proves itself with. Owns the grammar of the mechanisms, not who may use
// them: nothing here checks a secret.
export { decodeResponse, encodeChallenge } from './base64.ts'
export { type BearerMessage, bearerError, parseOauthBearer, parseXoauth2 } from './bearer.ts'
export { type PlainMessage, parsePlain } from './plain.ts'
