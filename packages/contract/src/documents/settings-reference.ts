import { contexts, functions } from '../expressions/index.ts'
import {
  type AnySetting,
  declaredSettings,
  defaultLocalPatterns,
  type ExpressionSource,
  foreignKeys,
  seededKeys,
  settingGroups,
} from '../settings/index.ts'
import { code, codes, page, table } from './markdown.ts'

function typeWords(setting: AnySetting): string {
  if (setting.kind === 'expression') return `expression: ${setting.result.name} (${setting.context}${setting.bare ? ', no if-block' : ''})`
  const { shape, type } = setting
  const element = type.words === undefined || type.words.length > 12 ? type.name : type.words.map(code).join(' ')
  return { single: element, list: `list of ${element}`, set: `set of ${element}`, map: `${element} by name` }[shape]
}

function sourceWords(source: ExpressionSource): string {
  if (typeof source === 'string') return code(source)
  const branches = source.branches.map(({ condition, result }) => `${code(result)} if ${code(condition)}`)
  return [...branches, `else ${code(source.otherwise)}`].join(', ')
}

function defaultWords(setting: AnySetting): string {
  const parts: string[] = []
  if (setting.required) parts.push('required')
  if (setting.kind === 'expression') {
    if (setting.default !== undefined) parts.push(sourceWords(setting.default))
  } else if (setting.default !== undefined) {
    parts.push(typeof setting.default === 'string' ? code(setting.default) : codes(setting.default))
  }
  if (setting.defaultsBy !== undefined) {
    const { by, values } = setting.defaultsBy
    parts.push(
      `by ${by}: ${Object.entries(values)
        .map(([name, text]) => `${name} ${code(text)}`)
        .join(', ')}`,
    )
  }
  if (setting.defaultDoc !== undefined) parts.push(setting.defaultDoc)
  if (setting.fallback !== undefined) parts.push(`that of ${code(setting.fallback)}`)
  return parts.join('; ')
}

function keyWords(setting: AnySetting): string {
  const named = setting.kind === 'value' && (setting.shape === 'set' || setting.shape === 'map')
  return code(named ? `${setting.pattern}.<name>` : setting.pattern)
}

/** docs/reference/settings.md */
export function settingsReference(): string {
  const families = [...new Set(declaredSettings.map(({ family }) => family))]
  const sections = families.map(family => {
    const rows = declaredSettings
      .filter(setting => setting.family === family)
      .map(setting => [
        keyWords(setting),
        typeWords(setting),
        defaultWords(setting),
        `${setting.doc}${setting.secret ? ' Secret.' : ''}${setting.aliases.length > 0 ? ` Also read as ${codes(setting.aliases)}.` : ''}`,
        setting.reload,
      ])
    return `## ${family}\n\n${table(['Key', 'Type', 'Default', 'Meaning', 'Acts'], rows)}`
  })
  const groupRows = Object.values(settingGroups).map(({ prefix, member, doc }) => [
    doc,
    code(`${prefix}.<id>`),
    member === undefined ? 'any member' : code(member),
  ])
  const contextRows = Object.entries(contexts)
    .filter(([name]) => name !== 'metric')
    .map(([name, { doc, variables }]) => [code(name), doc, codes(Object.keys(variables))])
  const functionRows = Object.entries(functions).map(([name, { parameters, async, doc }]) => [
    code(`${name}(${parameters.join(', ')})`),
    async ? 'x' : '',
    doc,
  ])
  const foreignRows = Object.entries(foreignKeys).map(([name, advice]) => [code(name), 'use' in advice ? code(advice.use) : advice.ignored])
  const seedRows = seededKeys.map(({ key, value, at }) => [
    code(key),
    typeof value === 'string'
      ? code(value)
      : value.make === 'hostname'
        ? 'host name of the system'
        : `${value.length} random letters and digits`,
    at === 'missing' ? 'at a start that misses it' : 'with the first import of spam rules',
  ])
  return page(
    'Settings',
    'Every setting is a key with a text. A list is the key itself and every key below it in order; the name of a set element or map entry is what follows the key. ' +
      'Acts: `live` after a reload, `lookup`, `certificate`, `ip` after that partial reload, `restart` after a restart, `job` when the job that uses it runs next.',
    '## Records\n\nA record is every id that has the named member. Ids may contain dots.\n\n' +
      table(['Records', 'Keys', 'Found by'], groupRows),
    ...sections,
    `## Expressions\n\nVariables by context. In the context \`metric\` every event and metric is a variable, with each character that is no letter or digit as \`_\`.\n\n${table(['Context', 'When', 'Variables'], contextRows)}`,
    `Functions; those marked ask a store, a directory, the DNS or a database:\n\n${table(['Function', 'Asks', 'Result'], functionRows)}`,
    `## Settings file\n\nWhile \`config.local-keys\` is empty, the settings file holds the keys that match: ${codes(defaultLocalPatterns)}`,
    `Keys the server writes by itself:\n\n${table(['Key', 'Value', 'When'], seedRows)}`,
    `## Names of other versions\n\n${table(['Name', 'Here'], foreignRows)}`,
  )
}
