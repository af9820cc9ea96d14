// The entry: keeps compiled code between starts, then loads the rest.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { main } = await import('./command-line.ts')
process.exit(await main())
