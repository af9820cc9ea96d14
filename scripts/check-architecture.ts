// Checks the tree against architecture.json; part of `npm run check`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { declaredSettings } from '@postern/contract'
import { findViolations, type Law } from './architecture.ts'

const root = join(import.meta.dirname, '..')
const law: Law = JSON.parse(readFileSync(join(root, 'architecture.json'), 'utf8'))
const violations = findViolations(root, law, new Set(declaredSettings.map(setting => setting.pattern)))
for (const violation of violations) console.error(violation)
console.error(violations.length === 0 ? 'architecture: the law holds' : `architecture: ${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1
