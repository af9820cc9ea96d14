import { results } from '../expressions/index.ts'
import * as v from '../values/index.ts'
import { expected } from '../values/value-type.ts'
import { expression, family, list, map, value } from './family.ts'

/** What a tag does: adds to the score, or decides at once. */
export type TagScore = number | 'reject' | 'discard'

const tagScore: v.ValueType<TagScore> = {
  name: 'score',
  parse: source => {
    const word = source.trim().toLowerCase()
    if (word === 'reject' || word === 'discard') return word
    try {
      return v.float.parse(source)
    } catch {
      throw expected('a number, reject or discard', source)
    }
  },
  format: String,
  jsonSchema: { type: 'string', pattern: '^(reject|discard|[-+]?[0-9.]+)$' },
}

/** What a file extension stands for. */
export interface FileExtension {
  readonly archive: boolean
  /** Suspicious inside an archive is not looked at. */
  readonly notInArchive: boolean
  readonly bad: boolean
  readonly mimeTypes: readonly string[]
}

const fileExtension: v.ValueType<FileExtension> = {
  name: 'file extension',
  parse: source => {
    const parts = source.split('|').map(part => part.trim())
    const mimeTypes = parts.filter(part => part.includes('/'))
    const unknown = parts.find(part => part !== '' && !part.includes('/') && !['AR', 'NZ', 'BAD'].includes(part))
    if (unknown !== undefined) throw expected('AR, NZ, BAD or a MIME type', unknown)
    return { archive: parts.includes('AR'), notInArchive: parts.includes('NZ'), bad: parts.includes('BAD'), mimeTypes }
  },
  format: extension =>
    [
      ...(extension.archive ? ['AR'] : []),
      ...(extension.notInArchive ? ['NZ'] : []),
      ...(extension.bad ? ['BAD'] : []),
      ...extension.mimeTypes,
    ].join('|'),
  jsonSchema: { type: 'string', description: 'AR (archive), NZ (not inside an archive), BAD and MIME types, separated by |' },
}

const ruleScope = v.options('rule scope', ['url', 'email', 'ip', 'header', 'domain', 'body', 'any'], { message: 'any' })

/** Spam filter: scores, headers, rules, block lists, learning. */
export const spamFilter = family('spam-filter', 'live', {
  resource: value(v.urlOf('https', 'http', 'file'), {
    reload: 'job',
    defaultDoc: 'the rules that come with the release',
    doc: 'Where spam rules are fetched from.',
  }),
  'auto-update': value(v.boolean, { reload: 'restart', default: 'false', doc: 'Fetch the rules at every start.' }),
  enable: value(v.boolean, { default: 'true', doc: 'Run the spam filter.' }),
  'score.spam': value(v.float, { default: '5.0', doc: 'Score from which mail counts as spam.' }),
  'score.discard': value(v.float, { default: '0', doc: 'Score from which mail is dropped; 0 never drops.' }),
  'score.reject': value(v.float, { default: '0', doc: 'Score from which mail is refused; 0 never refuses.' }),
  'header.status.enable': value(v.boolean, { default: 'true', doc: 'Add the field with verdict and score.' }),
  'header.status.name': value(v.text, { default: 'X-Spam-Status', doc: 'Name of the field with verdict and score.' }),
  'header.result.enable': value(v.boolean, { default: 'true', doc: 'Add the field with the tags.' }),
  'header.result.name': value(v.text, { default: 'X-Spam-Result', doc: 'Name of the field with the tags.' }),
  'header.bayes.enable': value(v.boolean, { default: 'true', doc: 'Add the field with the verdict of the account model.' }),
  'header.bayes.name': value(v.text, { default: 'X-Spam-Bayes', doc: 'Name of the field with the verdict of the account model.' }),
  'header.llm.enable': value(v.boolean, { default: 'true', doc: 'Add the field with the answer of the language model.' }),
  'header.llm.name': value(v.text, { default: 'X-Spam-LLM', doc: 'Name of the field with the answer of the language model.' }),
  'list.scores': map(tagScore, { doc: 'Score of each tag, or reject or discard; tag names may be globs.' }),
  'list.file-extensions': map(fileExtension, { doc: 'What each file extension stands for.' }),
  'rule.<id>.scope': value(ruleScope, { default: 'any', doc: 'What the rule looks at.' }),
  'rule.<id>.enable': value(v.boolean, { default: 'true', doc: 'Use the rule.' }),
  'rule.<id>.priority': value(v.signedInteger, { default: '0', doc: 'Rules run in ascending order.' }),
  'rule.<id>.condition': expression('spam', results.text, {
    required: true,
    doc: 'Gives the tag to set; a result that is no text sets none. Scopes add their own variables.',
  }),
  'dnsbl.server.<id>.scope': value(v.options('block list scope', ['url', 'domain', 'email', 'ip']), {
    required: true,
    doc: 'What is looked up.',
  }),
  'dnsbl.server.<id>.enable': value(v.boolean, { default: 'true', doc: 'Ask the list.' }),
  'dnsbl.server.<id>.zone': expression('spam', results.text, {
    required: true,
    doc: 'Gives the name to look up; a result that is no text asks nothing.',
  }),
  'dnsbl.server.<id>.tag': expression('spam.ip', results.text, { required: true, doc: 'Gives the tag to set for an answer.' }),
  'dnsbl.max-check.ip': value(v.integer, { default: '50', doc: 'Addresses looked up per message.' }),
  'dnsbl.max-check.domain': value(v.integer, { default: '50', doc: 'Domains looked up per message.' }),
  'dnsbl.max-check.email': value(v.integer, { default: '50', doc: 'Mail addresses looked up per message.' }),
  'dnsbl.max-check.url': value(v.integer, { default: '50', doc: 'URLs looked up per message.' }),
  'redirectors.follow': value(v.boolean, {
    default: 'false',
    doc: 'Ask URL shorteners where they lead. It tells the sender that the mail has arrived.',
  }),
  'grey-list.duration': value(v.optional(v.duration), {
    doc: 'How long a known combination of client, sender and recipient is remembered; off accepts at once.',
  }),
  'grey-list.delay': value(v.optional(v.duration), { default: '1m', doc: 'Shortest time before a deferred recipient is accepted.' }),
  'trusted-reply.duration': value(v.optional(v.duration), { default: '30d', doc: 'How long answers to own mail are recognised.' }),
  'pyzor.enable': value(v.boolean, { default: 'true', doc: 'Ask Pyzor.' }),
  'pyzor.host': value(v.text, { default: 'public.pyzor.org', doc: 'Host of the Pyzor server.' }),
  'pyzor.port': value(v.port, { default: '24441', doc: 'Port of the Pyzor server.' }),
  'pyzor.timeout': value(v.duration, { default: '5s', doc: 'Longest wait for an answer.' }),
  'pyzor.count': value(v.integer, { default: '5', doc: 'Reports that must be exceeded.' }),
  'pyzor.wl-count': value(v.integer, { default: '10', doc: 'Entries on the white list from which the ratio counts.' }),
  'pyzor.ratio': value(v.float, { default: '0.2', doc: 'Largest share of white list entries in reports.' }),
  'reputation.enable': value(v.boolean, { default: 'true', doc: 'Let former mail of a sender move the score.' }),
  'reputation.expiry': value(v.duration, { default: '30d', doc: 'How long a reputation is remembered.' }),
  'reputation.score': value(v.float, { default: '0.98', doc: 'Weight of former scores.' }),
  'reputation.factor': value(v.float, { default: '0.5', doc: 'How far the score moves towards the reputation.' }),
  'reputation.weight.ip': value(v.float, { default: '0.2', doc: 'Weight of the client address.' }),
  'reputation.weight.domain': value(v.float, { default: '0.2', doc: 'Weight of the sender domain.' }),
  'reputation.weight.asn': value(v.float, { default: '0.1', doc: 'Weight of the autonomous system.' }),
  'reputation.weight.sender': value(v.float, { default: '0.5', doc: 'Weight of the sender address.' }),
  'bayes.enable': value(v.boolean, { default: 'true', doc: 'Use the learned model.' }),
  'bayes.classify.tokens.hits': value(v.integer, { default: '2', doc: 'Times a token must have been learned.' }),
  'bayes.classify.tokens.min': value(v.integer, { default: '11', doc: 'Tokens a verdict needs.' }),
  'bayes.classify.strength': value(v.float, { default: '0.05', doc: 'Distance from one half below which a token is left out.' }),
  'bayes.classify.learns': value(v.integer, { default: '200', doc: 'Messages of each kind that must have been learned.' }),
  'bayes.classify.balance': value(v.float, {
    default: '0.9',
    doc: 'Smallest ratio of the two kinds at which both are learned; 0 ignores it.',
  }),
  'bayes.score.spam': value(v.float, { default: '0.7', doc: 'Probability above which mail is spam.' }),
  'bayes.score.ham': value(v.float, { default: '0.5', doc: 'Probability below which mail is wanted.' }),
  'bayes.auto-learn.enable': value(v.boolean, { default: 'true', doc: 'Learn clear cases.' }),
  'bayes.auto-learn.trusted-reply': value(v.boolean, { default: 'true', doc: 'Learn mail of own users as wanted.' }),
  'bayes.auto-learn.threshold.spam': value(v.float, { default: '6.0', doc: 'Score from which mail is learned as spam.' }),
  'bayes.auto-learn.threshold.ham': value(v.float, { default: '-1.0', doc: 'Score up to which mail is learned as wanted.' }),
  'bayes.account.enable': value(v.boolean, { default: 'false', doc: 'Keep a model per account.' }),
  'bayes.account.score.spam': value(v.float, { default: '0.7', doc: 'Probability above which the account model calls mail spam.' }),
  'bayes.account.score.ham': value(v.float, { default: '0.5', doc: 'Probability below which the account model calls mail wanted.' }),
  'bayes.train-global.users': value(v.boolean, {
    default: 'false',
    doc: 'Let everybody who may train also train the global model through the management API.',
  }),
  'llm.enable': value(v.boolean, { default: 'false', doc: 'Ask a language model.' }),
  'llm.model': value(v.reference('enterprise.ai'), { doc: 'Endpoint to ask; needed.' }),
  'llm.prompt': value(v.text, { doc: 'Prompt in front of subject and body; needed.' }),
  'llm.separator': value(v.character, { default: ',', doc: 'Character between the parts of the answer.' }),
  'llm.temperature': value(v.float, { default: '0.5', doc: 'Temperature.' }),
  'llm.index.category': value(v.integer, { default: '0', doc: 'Part of the answer with the category.' }),
  'llm.index.confidence': value(v.integer, { doc: 'Part of the answer with the confidence.' }),
  'llm.index.explanation': value(v.integer, { doc: 'Part of the answer with the explanation.' }),
  'llm.categories': list(v.text, { doc: 'Known categories, compared in upper case; needed.' }),
  'llm.confidence': list(v.text, { doc: 'Known degrees of confidence, compared in upper case.' }),
})
