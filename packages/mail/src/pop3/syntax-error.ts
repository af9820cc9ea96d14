/** The client's line has not the form it should have; the message is a sentence for the client. */
export class Pop3SyntaxError extends Error {
  override readonly name = 'Pop3SyntaxError'
}
