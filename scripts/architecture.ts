// The law of `architecture.json`, applied to a source tree. Pure but for reading files: give it a root, get the violations.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'

export interface Law {
  readonly packages: Readonly<Record<string, { readonly imports: readonly string[]; readonly node?: readonly string[] }>>
  /** Packages that only tests may import. */
  readonly testsOnly: readonly string[]
  readonly layers: Readonly<Record<string, LayerLaw>>
  readonly only: readonly OnlyLaw[]
  /** Declared setting keys may stand as literals in these layers only through the contract. */
  readonly literals: { readonly in: readonly string[] }
  readonly maxLines: number
}

interface LayerLaw {
  readonly modules: readonly string[]
  /** A module may import only those listed before it. */
  readonly ordered?: boolean
  /** Modules never import each other. */
  readonly independent?: boolean
  /** The layer is one module. */
  readonly single?: boolean
}

interface OnlyLaw {
  readonly what: string
  readonly imports?: readonly string[]
  /** Names that are harmless from an otherwise forbidden import. */
  readonly except?: Readonly<Record<string, readonly string[]>>
  readonly calls?: readonly string[]
  /** `layer/module` or `layer`. */
  readonly in: readonly string[]
}

interface Import {
  readonly specifier: string
  readonly names: readonly string[]
  readonly typeOnly: boolean
}

/** Every breach of the law below `root`, as `path: what is wrong`. `settingKeys` are the keys whose literals belong to contract. */
export function findViolations(root: string, law: Law, settingKeys: ReadonlySet<string> = new Set()): string[] {
  const violations: string[] = []
  for (const path of sourceFiles(join(root, 'packages'))) {
    const file = describe(relative(root, path))
    const source = readFileSync(path, 'utf8')
    const report = (text: string): number => violations.push(`${file.path}: ${text}`)
    const lines = source.split('\n').length - 1
    if (lines > law.maxLines && !file.generated) report(`${lines} lines, at most ${law.maxLines}: this room wants a wall`)
    if (law.packages[file.package] === undefined) {
      report(`package ${file.package} is not in architecture.json`)
      continue
    }
    for (const found of importsOf(source)) checkImport(root, law, file, found, report)
    if (file.package !== 'server' || file.test) continue
    checkModule(law, file, report)
    checkCalls(law, file, source, report)
    checkLiterals(law, file, source, settingKeys, report)
  }
  return violations
}

interface SourceFile {
  readonly path: string
  readonly package: string
  readonly layer: string
  readonly module: string
  readonly test: boolean
  readonly generated: boolean
}

function describe(path: string): SourceFile {
  const parts = path.split(sep)
  const [, packageName = '', , layer = ''] = parts
  const module = parts.length > 5 ? (parts[4] ?? '') : ''
  return {
    path: parts.join('/'),
    package: packageName,
    layer,
    module,
    test: /\.(test|suite)\.ts$/.test(path) || parts.includes('testing'),
    generated: parts.includes('generated'),
  }
}

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.tsx?$/.test(entry.name)) yield path
  }
}

const importPattern = /(?:^|[\n;])\s*(?:import|export)\s+(type\s+)?([^'"`;]*?\s+from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(source: string): Import[] {
  const found: Import[] = []
  for (const [, typeWord, clause = '', specifier, lazy] of withoutComments(source).matchAll(importPattern)) {
    const names = [...clause.matchAll(/(type\s+)?\b([A-Za-z_$][\w$]*)(?=\s*(?:,|\}|\bas\b|\s+from))/g)]
    const values = names.filter(([, typed]) => typed === undefined).map(([, , name]) => name ?? '')
    found.push({
      specifier: specifier ?? lazy ?? '',
      names: values,
      typeOnly: typeWord !== undefined || (names.length > 0 && values.length === 0),
    })
  }
  return found
}

/** Blanks comments, keeping strings. */
function withoutComments(source: string): string {
  return source.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_all, text?: string) => text ?? ' ',
  )
}

/** Blanks comments and strings. */
function codeOnly(source: string): string {
  return withoutComments(source).replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, "''")
}

function checkImport(
  root: string,
  law: Law,
  file: SourceFile,
  { specifier, names, typeOnly }: Import,
  report: (text: string) => void,
): void {
  if (specifier.startsWith('.')) return checkRelative(file, specifier, report)
  if (specifier.startsWith('@postern/')) return checkPackage(law, file, specifier, report)
  if (specifier.startsWith('#')) {
    if (file.package === 'server') return checkDoor(root, law, file, specifier, report)
    return
  }
  const node = law.packages[file.package]?.node
  if (node !== undefined && specifier.startsWith('node:') && !node.includes(specifier) && !file.test) {
    return report(`${file.package} is pure and may not import ${specifier}`)
  }
  if (file.package !== 'server' || file.test || typeOnly) return
  for (const rule of law.only) {
    if (!rule.imports?.includes(specifier) || isAllowed(rule, file)) continue
    const harmless = rule.except?.[specifier] ?? []
    if (names.length > 0 && names.every(name => harmless.includes(name))) continue
    report(`imports ${specifier}: ${rule.what} belong to ${rule.in.join(', ')}`)
  }
}

function checkRelative(file: SourceFile, specifier: string, report: (text: string) => void): void {
  const target = normalize(join(dirname(file.path), specifier))
    .split(sep)
    .join('/')
  const own =
    file.package === 'server' && file.module !== '' ? `packages/server/src/${file.layer}/${file.module}/` : `packages/${file.package}/`
  if (!target.startsWith(own)) report(`relative import ${specifier} leaves its module: use the door`)
  else if (!specifier.endsWith('.ts') && !specifier.endsWith('.json')) report(`relative import ${specifier} needs its .ts`)
}

function checkPackage(law: Law, file: SourceFile, specifier: string, report: (text: string) => void): void {
  const name = specifier.split('/')[1] ?? ''
  if (name === file.package) return report(`imports its own package by name: ${specifier}`)
  if (law.testsOnly.includes(name) && file.test) return
  if (!law.packages[file.package]?.imports.includes(name)) report(`package ${file.package} may not import ${specifier}`)
}

function checkDoor(root: string, law: Law, file: SourceFile, specifier: string, report: (text: string) => void): void {
  const [layer = '', module = '', ...rest] = specifier.slice(1).split('/')
  const layers = Object.keys(law.layers)
  if (!existsSync(join(root, 'packages/server/src', layer, module, ...rest, 'index.ts'))) return report(`${specifier} has no door`)
  if (rest.length > 0) return report(`${specifier} goes past the door #${layer}/${module}`)
  if (file.test) return
  if (layers.indexOf(layer) > layers.indexOf(file.layer)) return report(`${file.layer} may not import upwards: ${specifier}`)
  if (layer !== file.layer) return
  const rule = law.layers[layer]
  if (module === file.module) return report(`imports its own module by its door: ${specifier}`)
  if (rule?.independent) return report(`${layer} never import each other: ${specifier}`)
  if (rule?.ordered && rule.modules.indexOf(module) > rule.modules.indexOf(file.module)) {
    report(`${layer}/${file.module} may import only the modules of ${layer} listed before it, not ${specifier}`)
  }
}

function checkModule(law: Law, file: SourceFile, report: (text: string) => void): void {
  const layer = law.layers[file.layer]
  if (layer === undefined) return report(`${file.layer} is not a layer of architecture.json`)
  if (layer.single) return
  if (!layer.modules.includes(file.module)) report(`${file.layer}/${file.module} is not a module of architecture.json`)
}

function checkCalls(law: Law, file: SourceFile, source: string, report: (text: string) => void): void {
  const code = codeOnly(source)
  for (const rule of law.only) {
    if (isAllowed(rule, file)) continue
    for (const call of rule.calls ?? []) {
      // A name of the file's own is not the global one.
      if (
        /^\w+$/.test(call) &&
        new RegExp(`(?:function|const|let|class)\\s+${call}\\b|import[^;'"]*[{,\\s]${call}\\b[^;'"]*from`).test(code)
      )
        continue
      const pattern = new RegExp(`(?<![\\w$.#])${call.replaceAll('.', '\\.').replace('()', '\\(\\s*\\)')}(?![\\w$])`)
      if (pattern.test(code)) report(`uses ${call}: ${rule.what} belong to ${rule.in.join(', ')}`)
    }
  }
}

function checkLiterals(law: Law, file: SourceFile, source: string, keys: ReadonlySet<string>, report: (text: string) => void): void {
  if (!law.literals.in.includes(file.layer)) return
  for (const [, single, double] of withoutComments(source).matchAll(/'([a-z][\w.-]*\.[\w.-]+)'|"([a-z][\w.-]*\.[\w.-]+)"/g)) {
    const text = single ?? double ?? ''
    if (keys.has(text)) report(`setting key '${text}' as a literal: read it through the contract's declaration`)
  }
}

function isAllowed(rule: OnlyLaw, file: SourceFile): boolean {
  return rule.in.some(
    place =>
      `${file.layer}/${file.module}/${file.path}`.startsWith(`${place}/`) || file.layer === place || file.path.includes(`/src/${place}/`),
  )
}
