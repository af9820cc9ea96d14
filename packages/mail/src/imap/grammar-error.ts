/**
 * What is wrong with a command: `lexical` it cannot even be cut into words, `missing` an argument is not there, `invalid` an argument is
 * wrong, `charset` the named charset is unknown (RFC 9051 §6.4.4 BADCHARSET).
 */
export type GrammarProblem = 'lexical' | 'missing' | 'invalid' | 'charset'

/** A command that does not follow the grammar; the message is for the client. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError'
  readonly problem: GrammarProblem

  constructor(message: string, problem: GrammarProblem = 'invalid') {
    super(message)
    this.problem = problem
  }
}
