// Every endpoint by its id: what has no command of its own, and what scripts want exactly.
import { declaredEndpoints } from '@postern/contract/endpoints'
import type { Command } from '../command.ts'
import { composed, ofEndpoint } from '../derive.ts'
import { column } from '../view.ts'

export const callCommands: readonly Command[] = [
  composed({
    words: 'endpoints',
    summary: 'List every endpoint of the API',
    impact: 'read',
    endpoints: [],
    async run() {
      const rows = declaredEndpoints.map(({ area, endpoint: { id, method, paths, summary } }) => ({
        id,
        area,
        method,
        path: paths[0],
        summary,
      }))
      return {
        value: rows,
        view: { kind: 'table', columns: ['id', 'method', 'path', 'summary'].map(name => column(name, name)), rows },
      }
    },
  }),
  ...declaredEndpoints.map(({ endpoint }) => ofEndpoint(`call ${endpoint.id}`, endpoint)),
]
