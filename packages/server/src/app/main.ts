// The program; `start.mjs` begins it with compiled code kept between starts.
import { main } from './command-line.ts'

process.exit(await main())
