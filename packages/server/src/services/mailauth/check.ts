import type { Clock } from '#base/clock'
import { askableName, DnsError, ips, type Resolver } from '#base/dns'
import type { DnsRecord } from './records.ts'

export interface DnsFinding extends DnsRecord {
  /**
   * `missing`: nothing is there. `different`: something else is. `conflicting`: ours is there, with others that spoil it.
   * `unreachable`: no answer in time.
   */
  readonly state: 'ok' | 'missing' | 'different' | 'conflicting' | 'unreachable'
  /** What the resolver answers, in presentation form. */
  readonly found: readonly string[]
  /** What to do about it, for people; undefined when nothing. */
  readonly fix: string | undefined
}

interface Parts {
  readonly resolver: Resolver
  readonly clock: Pick<Clock, 'after'>
}

type Verdict = Pick<DnsFinding, 'state' | 'found'> & { readonly advice?: string }

/** All look-ups of a check together. */
const longestMs = 20_000
const atOnce = 8
const maxAliases = 8

/** Asks the resolver about each record. Takes 20 seconds at most. */
export async function checkRecords(records: readonly DnsRecord[], { resolver, clock }: Parts): Promise<readonly DnsFinding[]> {
  const { promise: deadline, resolve: giveUp } = Promise.withResolvers<Verdict>()
  const timer = clock.after(longestMs, () => giveUp({ state: 'unreachable', found: [], advice: 'The resolver took too long.' }))
  const findings: DnsFinding[] = []
  // Whoever just changed the zone wants to see that.
  for (const { name } of records) resolver.forget(name)
  try {
    for (let at = 0; at < records.length; at += atOnce) {
      const batch = records
        .slice(at, at + atOnce)
        .map(async record => finding(record, await Promise.race([deadline, judge(record, records, resolver)])))
      findings.push(...(await Promise.all(batch)))
    }
  } finally {
    timer.cancel()
  }
  return findings
}

async function judge(record: DnsRecord, all: readonly DnsRecord[], resolver: Resolver): Promise<Verdict> {
  const name = askableName(record.name)
  if (name === undefined) return { state: 'different', found: [], advice: `${record.name} is no name that the DNS can carry.` }
  try {
    switch (record.type) {
      case 'MX':
        return await judgeMx(record, name, resolver)
      case 'CNAME':
        return await judgeAlias(record, name, resolver)
      case 'TXT':
        return judgeText(record, (await resolver.txt(name)).records)
      case 'SRV': {
        const { records } = await resolver.srv(name)
        const found = records.map(({ priority, weight, port, target }) => `${priority} ${weight} ${port} ${target}.`)
        return judgeSet(record, all, found, content => content.split(' ').slice(2).join(' '))
      }
      case 'TLSA': {
        const { records } = await resolver.tlsa(name)
        const found = records.map(({ usage, selector, matching, data }) => `${usage} ${selector} ${matching} ${data.toString('hex')}`)
        // Others beside ours do no harm: one that matches is enough (RFC 7672 §3.1).
        return { state: found.includes(record.content) ? 'ok' : 'different', found }
      }
    }
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    return error.fault === 'temporary'
      ? { state: 'unreachable', found: [], advice: `The resolver gave no answer (${error.message}).` }
      : { state: 'missing', found: [] }
  }
}

async function judgeMx({ content }: DnsRecord, name: string, resolver: Resolver): Promise<Verdict> {
  const { records } = await resolver.mx(name)
  const found = records.map(({ preference, exchange }) => `${preference} ${exchange}.`)
  const host = plain(content.split(' ')[1] ?? '')
  if (!records.some(({ exchange }) => exchange === host)) return { state: 'different', found }
  if (records.every(({ exchange }) => exchange === host)) return { state: 'ok', found }
  return { state: 'conflicting', found, advice: 'Mail may go to the other hosts: remove them, unless they take mail for this server.' }
}

/** The end of the chain of aliases must be the host; a name with the addresses of the host does as well. */
async function judgeAlias({ content }: DnsRecord, name: string, resolver: Resolver): Promise<Verdict> {
  const target = plain(content)
  const chain: string[] = []
  for (let at = name; chain.length < maxAliases; ) {
    const next = await resolver.cname(at).then(
      ({ records }) => records[0],
      error => {
        if (error instanceof DnsError && error.fault !== 'temporary') return undefined
        throw error
      },
    )
    if (next === undefined) break
    chain.push(`${next}.`)
    if (next === target) return { state: 'ok', found: chain }
    at = next
  }
  const [own, wanted] = await Promise.all([ips(resolver, name), ips(resolver, target).catch(() => ({ records: [] as string[] }))])
  const isSame = own.records.length > 0 && own.records.every(address => wanted.records.includes(address))
  return { state: isSame ? 'ok' : 'different', found: chain.length > 0 ? chain : own.records }
}

/** Kinds of TXT records: several kinds share a name, one record of a kind does not bear another. */
const kinds: ReadonlyArray<{
  readonly begin: RegExp
  readonly isFine: (found: string, wanted: string) => boolean
  readonly advice?: string
}> = [
  { begin: /^v=spf1(\s|$)/i, isFine: includesMechanisms },
  {
    begin: /^v=DMARC1\s*(;|$)/i,
    isFine: found => /^(quarantine|reject)$/i.test(tags(found).get('p') ?? ''),
    advice: 'A policy of none only watches.',
  },
  { begin: /^v=TLSRPTv1\s*(;|$)/i, isFine: found => tags(found).has('rua') },
  { begin: /^v=STSv1\s*(;|$)/i, isFine: (found, wanted) => tags(found).get('id') === tags(wanted).get('id') },
  { begin: /^(v=DKIM1\s*(;|$)|.*\bp=)/i, isFine: (found, wanted) => tags(found).get('p') === tags(wanted).get('p') },
]

function judgeText({ content }: DnsRecord, records: readonly string[]): Verdict {
  const kind = kinds.find(({ begin }) => begin.test(content))
  const found = records.filter(text => kind?.begin.test(text))
  if (kind === undefined || found.length === 0) return { state: 'missing', found }
  const fine = found.filter(text => text === content || kind.isFine(text, content))
  if (found.length > 1)
    return {
      state: fine.length > 0 ? 'conflicting' : 'different',
      found,
      advice: 'Receivers ignore all of them while there is more than one.',
    }
  return fine.length > 0 ? { state: 'ok', found } : { state: 'different', found, ...(kind.advice !== undefined && { advice: kind.advice }) }
}

/** `name=value` parts of a record, names in lower case, white space in values left out. */
function tags(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').flatMap((part): Array<[string, string]> => {
      const at = part.indexOf('=')
      return at < 0 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).replace(/\s/g, '')]]
    }),
  )
}

/** Whether an SPF record lets through what ours does, and not everybody. */
function includesMechanisms(found: string, wanted: string): boolean {
  const terms = (text: string): string[] =>
    text
      .toLowerCase()
      .split(/\s+/)
      .slice(1)
      .map(term => term.replace(/^\+/, ''))
  const theirs = terms(found)
  const needed = terms(wanted).filter(term => /^[a-z]/.test(term) && !term.includes('='))
  return needed.every(term => theirs.includes(term)) && !theirs.includes('all') && !theirs.includes('?all')
}

/** Several records of ours may share the name; any other is one too many. */
function judgeSet(record: DnsRecord, all: readonly DnsRecord[], found: readonly string[], essence: (content: string) => string): Verdict {
  const ours = all
    .filter(({ type, name }) => type === record.type && name === record.name)
    .map(({ content }) => essence(content.toLowerCase()))
  const theirs = found.map(content => essence(content.toLowerCase()))
  if (!theirs.includes(essence(record.content.toLowerCase()))) return { state: 'different', found }
  return { state: theirs.every(content => ours.includes(content)) ? 'ok' : 'conflicting', found }
}

function finding(record: DnsRecord, { state, found, advice }: Verdict): DnsFinding {
  return { ...record, state, found, fix: fixOf(record, state, found, advice) }
}

function fixOf(record: DnsRecord, state: DnsFinding['state'], found: readonly string[], advice = ''): string | undefined {
  const line = zoneLine(record)
  const old = found.map(content => `"${content}"`).join(', ')
  const sentences = {
    ok: undefined,
    missing: `Add to the zone: ${line}`,
    different: record.type === 'TLSA' ? `Add to the zone: ${line}` : `Replace ${old} in the zone by: ${line}`,
    conflicting: `Leave only this one of its kind in the zone: ${line}`,
    unreachable: 'Ask again later.',
  }
  const sentence = sentences[state]
  return sentence === undefined ? undefined : `${advice} ${sentence}`.trim()
}

/** A line for a zone file (RFC 1035 §5.1), TXT in strings of at most 255 bytes. */
export function zoneLine({ name, type, content }: DnsRecord): string {
  const owner = `${askableName(name) ?? name.replace(/\.$/, '')}.`
  return `${owner} IN ${type} ${type === 'TXT' ? quoted(content) : content}`
}

function quoted(text: string): string {
  const parts = text.match(/[\s\S]{1,255}/g) ?? ['']
  return parts.map(part => `"${part.replace(/["\\]/g, '\\$&')}"`).join(' ')
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
