// The program; `start.mjs` begins it with compiled code kept between starts.
import { main } from './command-line.ts'

// Mail, passwords and logs are nobody else's to read.
process.umask(0o077)
process.exit(await main())
