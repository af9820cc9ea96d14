import type { Endpoint, RequestBody, ResponseBody } from '../endpoints/endpoint.ts'
import { commonErrors, declaredEndpoints, type EndpointArea } from '../endpoints/index.ts'
import { errorCodes, errors, type HttpRendering } from '../errors/index.ts'
import { eventIds, events, fieldKeys, histogramBounds, levels, metricIds, metrics } from '../events/index.ts'
import { builtInRoles, permissionGroups, permissionIds, permissions } from '../permissions/index.ts'
import { describeAccess } from './openapi.ts'
import { createComponents } from './schemas.ts'

export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

export function codes(texts: readonly string[]): string {
  return texts.map(code).join(' ')
}

export function page(title: string, ...parts: readonly string[]): string {
  return `${[`# ${title}`, 'Derived from the contract; do not edit.', ...parts].join('\n\n')}\n`
}

/** docs/reference/events.md */
export function eventsReference(): string {
  const families = [...new Set(eventIds.map(id => id.slice(0, id.indexOf('.'))))]
  const mark = (set: boolean | undefined) => (set ? 'x' : '')
  const roles = { open: 'opens', close: 'closes', raw: 'raw' } as const
  const sections = families.map(family => {
    const rows = eventIds
      .filter(id => id.startsWith(`${family}.`))
      .map(id => {
        const { level, counted, traced, span, text, fields = [] } = events[id]
        return [code(id), level, mark(counted), mark(traced), span === undefined ? '' : roles[span], text, codes(fields)]
      })
    return `## ${family}\n\n${table(['Id', 'Level', 'Counter', 'Trace', 'Span', 'Text', 'Own data keys'], rows)}`
  })
  const metricRows = metricIds.map(id => {
    const { kind, unit, bounds, source } = metrics[id]
    return [code(id), kind, unit, bounds ?? '', source]
  })
  const boundRows = Object.entries(histogramBounds).map(([name, bounds]) => [name, bounds.join(', ')])
  return page(
    'Events and metrics',
    `${eventIds.length} events in ${families.length} families. Levels from quiet to noisy: ${levels.join(', ')}. \`tracing.level.<id>\` overrides the level of an event, and \`disable\` silences it. ` +
      'Counter: the event is counted, unless it ends a span. Trace: it is kept by the trace history. An event also carries the data keys of the event that opened its span.',
    `Data keys: ${codes(fieldKeys)}`,
    ...sections,
    `## Metrics\n\n${table(['Id', 'Kind', 'Unit', 'Bounds', 'Source'], metricRows)}`,
    `Upper bounds of histograms, with one open bucket on top:\n\n${table(['Name', 'Bounds'], boundRows)}`,
  )
}

/** docs/reference/permissions.md */
export function permissionsReference(): string {
  const sections = Object.entries(permissionGroups).map(([group, title]) => {
    const rows = permissionIds
      .filter(id => permissions[id].group === group)
      .map(id => {
        const { doc, roles } = permissions[id]
        return [String(permissionIds.indexOf(id)), code(id), doc, ...builtInRoles.map(role => (roles.includes(role) ? 'x' : ''))]
      })
    return `## ${title}\n\n${table(['No.', 'Id', 'Allows to', ...builtInRoles], rows)}`
  })
  return page(
    'Permissions',
    'Rights of an account are those of its roles and its own, less the disabled ones; disabled always wins. Members of a tenant have at most what the tenant has.',
    ...sections,
  )
}

function httpWords(http: HttpRendering): string {
  if (http.kind === 'management') return `200 \`${http.error}\`${http.members.length > 0 ? ` with ${codes(http.members)}` : ''}`
  return `${http.status}${http.title === undefined ? '' : ` ${http.title}`}${http.type === undefined ? '' : ` (${http.type})`}`
}

/** docs/reference/errors.md */
export function errorsReference(): string {
  const rows = errorCodes.map(id => {
    const { meaning, smtp, imap, pop3, managesieve, jmap, http } = errors[id]
    const jmapWords = [jmap.request?.replace(/^.*:/, 'request '), jmap.method && `method ${jmap.method}`, jmap.set && `set ${jmap.set}`]
    return [
      code(id),
      meaning,
      `${smtp.code} ${smtp.enhanced}`,
      imap.code === undefined ? imap.status : `${imap.status} [${imap.code}]`,
      pop3 === undefined ? '' : `[${pop3}]`,
      managesieve === undefined ? '' : `(${managesieve})`,
      jmapWords.filter(word => word !== undefined).join(', '),
      httpWords(http),
    ]
  })
  return page(
    'Errors',
    'Every refusal and how each protocol says it. What fails otherwise is a defect and answered as `internal`.',
    table(['Code', 'Meaning', 'SMTP', 'IMAP', 'POP3', 'ManageSieve', 'JMAP', 'HTTP'], rows),
  )
}

const areaTitles: Readonly<Record<EndpointArea, string>> = {
  account: 'OAuth and own account',
  principals: 'Principals',
  bans: 'Bans',
  settings: 'Settings, reload and updates',
  queue: 'Message queue',
  reports: 'Reports',
  store: 'Stores',
  domains: 'DKIM and DNS',
  spamFilter: 'Spam filter',
  troubleshoot: 'Troubleshooting',
  telemetry: 'Logs, traces, metrics and the contract',
  open: 'Outside /api',
}

/** docs/reference/endpoints.md */
export function endpointsReference(): string {
  const { convert, schemas } = createComponents()
  const block = (schema: unknown) => `\`\`\`json\n${JSON.stringify(convert(schema), null, 2)}\n\`\`\``

  function bodyPart(body: RequestBody | undefined): readonly string[] {
    if (body === undefined) return []
    const limit = body.maxBytes === 'message' ? 'as large as a message may be' : `at most ${body.maxBytes} bytes`
    if (body.kind === 'bytes') return [`Body: ${code(body.mediaType)}, ${limit}.`]
    return [`Body: ${body.kind === 'json' ? 'JSON' : 'form'}, ${limit}.`, block(body.schema)]
  }

  function outputPart(output: ResponseBody): readonly string[] {
    if (output.kind === 'data') return ['Answer, in `data`:', block(output.schema)]
    if (output.kind === 'json')
      return [
        'Answer:',
        block(output.schema),
        ...(output.refused === undefined ? [] : ['Refusal, with status 400:', block(output.refused)]),
      ]
    if (output.kind === 'events') {
      return [
        'Answer: server-sent events.',
        ...Object.entries(output.events).flatMap(([name, schema]) => [`Event ${code(name)}:`, block(schema)]),
      ]
    }
    return [`Answer: ${code(output.mediaType)}.`]
  }

  function section(endpoint: Endpoint): string {
    const { method, paths, summary, doc, access, impact, params, query, otherQuery, body, output, streamToken } = endpoint
    const own = endpoint.errors.filter(id => !(commonErrors as readonly string[]).includes(id))
    const parameters = [
      ...Object.entries(params).map(([name, { doc, words }]) => [code(`{${name}}`), words === undefined ? doc : `${doc} ${codes(words)}`]),
      ...Object.entries(query).map(([name, { kind, doc }]) => [
        code(name),
        `${doc}${kind === 'flag' ? ' Any value that is not empty.' : ''}`,
      ]),
    ]
    const token = streamToken === undefined ? '' : `, or a ${streamToken} token`
    return [
      `### ${summary}`,
      paths.map(path => code(`${method} ${path}`)).join('  \n'),
      `Callers: ${code(describeAccess(access))}${token}. Impact: ${impact}.`,
      ...(doc === undefined ? [] : [doc]),
      ...(parameters.length === 0 ? [] : [table(['Parameter', 'Meaning'], parameters)]),
      ...(otherQuery === undefined ? [] : [`Other query parameters: ${otherQuery}`]),
      ...bodyPart(body),
      ...outputPart(output),
      ...(own.length === 0 ? [] : [`Refusals: ${codes(own)}`]),
    ].join('\n\n')
  }

  const sections = Object.entries(areaTitles).flatMap(([area, title]) => [
    `## ${title}`,
    ...declaredEndpoints.filter(entry => entry.area === area).map(({ endpoint }) => section(endpoint)),
  ])
  const named = Object.entries(schemas()).map(([name, schema]) => `### ${name}\n\n\`\`\`json\n${JSON.stringify(schema, null, 2)}\n\`\`\``)
  return page(
    'Endpoints',
    `Below \`/api\` every call can be refused with ${codes(commonErrors)}. A refusal with a name of its own has status 200 and a body with \`error\`; the others are problem documents. See [errors](errors.md).`,
    'An empty query parameter counts as absent, the last of several wins, and one that does not parse is ignored. Unknown paths and wrong methods answer 404; OPTIONS answers 204.',
    ...sections,
    '## Schemas',
    ...named,
  )
}
