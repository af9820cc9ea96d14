// A database of its own for a test, dropped afterwards.
import pg from 'pg'
import { systemRandom } from '#base/clock'

export interface ScratchDatabase extends AsyncDisposable {
  readonly url: string
}

/** `url` names a database whose role may create others. */
export async function createScratchDatabase(url: string): Promise<ScratchDatabase> {
  const name = `postern_test_${systemRandom.bytes(6).toString('hex')}`
  await runOn(url, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    [Symbol.asyncDispose]: () => runOn(url, `DROP DATABASE ${name} WITH (FORCE)`),
  }
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
