/** A command that cannot be understood, with the reply it deserves. */
export class SmtpSyntaxError extends Error {
  override readonly name = 'SmtpSyntaxError'
  readonly code: number
  /** RFC 3463 status code. */
  readonly enhanced: string

  constructor(code: number, enhanced: string, message: string) {
    super(message)
    this.code = code
    this.enhanced = enhanced
  }
}
