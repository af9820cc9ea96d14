// The package's own types describe a default export that its CommonJS form does not have.
declare module 'apache-md5' {
  /** The hash of a password, with the scheme and salt of another hash. */
  export default function md5(password: string, salt?: string): string
}
