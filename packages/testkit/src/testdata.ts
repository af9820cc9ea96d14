import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Large collections lie outside of the project, in the folder that POSTERN_TESTDATA names. */
export function testdata(...names: readonly string[]): { readonly path: string; readonly skip: string | false } {
  const folder = process.env['POSTERN_TESTDATA']
  const path = join(folder ?? '', ...names)
  if (folder === undefined) return { path, skip: 'POSTERN_TESTDATA names no folder with test data' }
  return { path, skip: existsSync(path) ? false : `there is no ${path}` }
}
