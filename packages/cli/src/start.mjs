// Keeps compiled code between calls: half of the time a command takes would else be spent on translating it.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/postern'))
await import('./main.ts')
