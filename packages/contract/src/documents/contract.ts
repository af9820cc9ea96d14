import { declaredEndpoints } from '../endpoints/index.ts'
import { errorCodes, errors } from '../errors/index.ts'
import { eventIds, events, fieldKeys, histogramBounds, metricIds, metrics } from '../events/index.ts'
import { contexts, functions } from '../expressions/index.ts'
import { builtInRoles, permissionGroups, permissionIds, permissions } from '../permissions/index.ts'
import { type AnySetting, declaredSettings, defaultLocalPatterns, foreignKeys, settingGroups } from '../settings/index.ts'
import { interfaceVersion } from '../version.ts'
import { createComponents, type Json, type JsonObject } from './schemas.ts'

/** Only what JSON can carry, without absent members. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

function describeSetting(setting: AnySetting): Json {
  const { pattern, family, name, ids, reload, secret, required, doc, defaultDoc, defaultsBy, fallback, aliases } = setting
  const common = { key: pattern, family, name, ids, reload, secret, required, doc, defaultDoc, defaultsBy, fallback, aliases }
  if (setting.kind === 'value') {
    const { type } = setting
    return plain({
      ...common,
      kind: 'value',
      shape: setting.shape,
      type: type.name,
      schema: type.jsonSchema,
      words: type.words,
      default: setting.default,
    })
  }
  const { context, result, bare } = setting
  return plain({
    ...common,
    kind: 'expression',
    context,
    result: result.name,
    constants: result.constants === undefined ? undefined : Object.keys(result.constants),
    bare,
    default: setting.default,
  })
}

/** Everything that exists as one document: what clients derive forms, commands and warnings from. Every call gives a new object. */
export function contractDocument(): JsonObject {
  const components = createComponents()
  const endpoints = declaredEndpoints.map(({ area, endpoint }) => {
    const { body, output, ...rest } = endpoint
    const converted = {
      ...rest,
      area,
      body: body === undefined ? undefined : { ...body, schema: body.kind === 'bytes' ? undefined : components.convert(body.schema) },
      output: convertOutput(output),
    }
    return plain(converted)
  })

  function convertOutput(output: (typeof declaredEndpoints)[number]['endpoint']['output']): unknown {
    if (output.kind === 'events') {
      return {
        ...output,
        events: Object.fromEntries(Object.entries(output.events).map(([name, schema]) => [name, components.convert(schema)])),
      }
    }
    if (!('schema' in output)) return output
    const refused = 'refused' in output ? { refused: components.convert(output.refused) } : {}
    return { ...output, schema: components.convert(output.schema), ...refused }
  }

  return {
    version: interfaceVersion,
    settings: declaredSettings.map(describeSetting),
    settingGroups: plain(settingGroups),
    localPatterns: [...defaultLocalPatterns],
    foreignKeys: plain(foreignKeys),
    expressions: { contexts: plain(contexts), functions: plain(functions) },
    permissions: permissionIds.map((id, number) => plain({ id, number, ...permissions[id] })),
    permissionGroups: { ...permissionGroups },
    roles: [...builtInRoles],
    events: eventIds.map((id, ordinal) => plain({ id, ordinal, ...events[id] })),
    fieldKeys: [...fieldKeys],
    metrics: metricIds.map(id => plain({ id, ...metrics[id] })),
    histogramBounds: plain(histogramBounds),
    errors: errorCodes.map(code => plain({ code, ...errors[code] })),
    endpoints,
    schemas: components.schemas(),
  }
}
