// What a reload says about stored settings before they act.
import { declaredSettings, findSetting, suggestSetting } from '@postern/contract'
import { hasMacro } from './macros.ts'
import type { SettingProblem, ViewReader } from './reader.ts'
import type { SettingsView } from './view.ts'

export type SettingWarning =
  | { readonly type: 'missing' }
  | { readonly type: 'appliedDefault'; readonly default: string }
  /** Nothing reads the key; `didYouMean` is the declared key that is nearest to it. */
  | { readonly type: 'unread'; readonly value: string; readonly didYouMean?: string }
  | { readonly type: 'build' | 'parse'; readonly error: string }

export interface ReloadReport {
  readonly errors: Readonly<Record<string, SettingProblem>>
  readonly warnings: Readonly<Record<string, SettingWarning>>
}

const families = new Set(declaredSettings.map(({ family }) => family))

/** Looking for the nearest key costs time: the first ones show what went wrong. */
const maxSuggestions = 100

/** Reads every stored key by its declaration, so that what is broken shows before it is needed. */
export function checkView(view: SettingsView, reader: ViewReader): ReloadReport {
  const warnings: Record<string, SettingWarning> = {}
  let suggestions = 0
  for (const [key, value] of view.withPrefix('')) {
    const found = findSetting(key)
    if (found === undefined) {
      const suggestion = suggestions++ < maxSuggestions ? suggestSetting(key) : undefined
      // A first segment that no setting has, nor nearly has, is free for whatever the administrator keeps there.
      if (suggestion === undefined && !families.has(key.split('.')[0] ?? '')) continue
      warnings[key] = { type: 'unread', value: isSecret(key) ? '' : value, ...(suggestion !== undefined && { didYouMean: suggestion }) }
    } else if (found.setting.kind === 'expression') reader.expression(found.setting, found.ids)
    else reader.value(found.setting, found.ids)
  }
  return { errors: Object.fromEntries(reader.problems), warnings }
}

/** Whether the value of a key must not be shown: declared so, or by its name where nothing is declared. */
export function isSecret(key: string): boolean {
  const found = findSetting(key)
  return found === undefined ? /secret|password|passwd|private|token|credential/i.test(key) : found.setting.secret
}

/**
 * The report without values that nobody may read in it: secrets, and what stands in the files and variables that a macro names; whoever
 * writes settings would read any file by way of the complaint about it. `written` holds the values with their macros.
 */
export function concealing({ errors, warnings }: ReloadReport, written: SettingsView): ReloadReport {
  const isHidden = (key: string): boolean =>
    isSecret(key) || hasMacro(written.get(key) ?? '') || written.withPrefix(`${key}.`).some(([, value]) => hasMacro(value))
  const conceal = (error: string): string => {
    const [expectation = '', ...found] = error.split(', found ')
    return `${found.length > 0 ? expectation : 'the value is broken'}; it is a secret or has a macro, so it is not shown`
  }
  return {
    errors: Object.fromEntries(
      Object.entries(errors).map(([key, problem]) => [key, isHidden(key) ? { ...problem, error: conceal(problem.error) } : problem]),
    ),
    warnings: Object.fromEntries(
      Object.entries(warnings).map(([key, warning]) => {
        if (!isHidden(key)) return [key, warning]
        if (warning.type === 'unread') return [key, { ...warning, value: isSecret(key) ? '' : (written.get(key) ?? '') }]
        return [key, 'error' in warning ? { ...warning, error: conceal(warning.error) } : warning]
      }),
    ),
  }
}

/** The report on what lies below the prefixes alone. */
export function onlyBelow({ errors, warnings }: ReloadReport, prefixes: readonly string[] | undefined): ReloadReport {
  if (prefixes === undefined) return { errors, warnings }
  const isPart = ([key]: readonly [string, unknown]): boolean => prefixes.some(prefix => key === prefix || key.startsWith(`${prefix}.`))
  return {
    errors: Object.fromEntries(Object.entries(errors).filter(isPart)),
    warnings: Object.fromEntries(Object.entries(warnings).filter(isPart)),
  }
}
