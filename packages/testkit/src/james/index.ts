// Runs the IMAP scripts of Apache James.
export { type JamesOptions, playJames } from './play.ts'
export { readJamesScript } from './script.ts'
