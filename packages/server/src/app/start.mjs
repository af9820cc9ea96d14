// Where a start begins, in plain JavaScript: the cache of compiled code serves only what is loaded after it is on, so nothing has to be
// translated, and the translator (some 20 MB) is not even loaded. Threads take the cache over from the environment.
// It lies beside the packages, where nobody can put code into it who could not change ours as well.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

const { directory } = enableCompileCache(join(import.meta.dirname, '../../../../node_modules/.cache/postern'))
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
await import('./main.ts')
