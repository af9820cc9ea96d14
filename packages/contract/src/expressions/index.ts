/**
 * The expression language as data: which variables exist in which context, which constants a result may name, which functions
 * there are. Parsing, checking and evaluating expressions is done where they are read.
 */
export {
  type ContextName,
  contexts,
  type LastError,
  lastErrors,
  type SpamLocation,
  type SpamScope,
  spamLocations,
  spamScopes,
  type Variable,
  type VariableKind,
} from './contexts.ts'
export { type ExpressionFunction, type FunctionName, functions } from './functions.ts'
export { type ExpressionResult, results, type SaslMechanism } from './results.ts'
