// Which message answers which: the threads of IMAP (RFC 5256 §3). Iterative: a thread may be thousands deep.

export interface Threadable {
  readonly number: number
  /** The Message-ID field without brackets; null when there is none. */
  readonly messageId: string | null
  /** References, else the first id of In-Reply-To; oldest first. */
  readonly references: readonly string[]
  /** Base subject, folded for comparison. */
  readonly subject: string
  /** The subject was one of an answer or a forward. */
  readonly isReply: boolean
  /** When it was sent. */
  readonly date: number
}

/** `number` is null for an ancestor that is missing. */
export interface Thread {
  readonly number: number | null
  readonly children: readonly Thread[]
}

interface Node {
  message: Threadable | null
  parent: Node | null
  children: Node[]
}

/** ORDEREDSUBJECT: what has one subject, the first message in front of all others. */
export function threadBySubject(messages: readonly Threadable[]): readonly Thread[] {
  const bySubject = new Map<string, Threadable[]>()
  for (const message of messages.toSorted(byDate)) bySubject.set(message.subject, [...(bySubject.get(message.subject) ?? []), message])
  return [...bySubject.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [{ number: first.number, children: rest.map(({ number }) => ({ number, children: [] })) }],
  )
}

/** REFERENCES: by the ids that messages name, then by subject. */
export function threadByReferences(messages: readonly Threadable[]): readonly Thread[] {
  const roots = prune(linkAll(messages))
  sortByDate(roots)
  const gathered = gatherSubjects(roots)
  sortDeep(gathered)
  return gathered.flatMap(node => (node.message === null && node.children.length === 0 ? [] : [node])).map(node => asThread(node))
}

/** REFS: by the ids alone; the thread with the latest message comes last. */
export function threadByIds(messages: readonly Threadable[]): readonly Thread[] {
  const roots = prune(linkAll(messages))
  sortDeep(roots)
  const latest = new Map(roots.map(root => [root, latestOf(root)]))
  return roots.toSorted((a, b) => (latest.get(a) ?? 0) - (latest.get(b) ?? 0)).map(node => asThread(node))
}

function byDate(a: Threadable, b: Threadable): number {
  return a.date - b.date || a.number - b.number
}

/** Steps 1 and 2: nodes without parent, in order of first mention. */
function linkAll(messages: readonly Threadable[]): Node[] {
  const nodes = new Map<string, Node>()
  const all: Node[] = []
  const make = (message: Threadable | null): Node => {
    const node = { message, parent: null, children: [] }
    all.push(node)
    return node
  }
  const nodeOf = (id: string): Node => {
    const known = nodes.get(id)
    if (known !== undefined) return known
    const node = make(null)
    nodes.set(id, node)
    return node
  }
  for (const message of messages) {
    const known = message.messageId === null ? undefined : nodes.get(message.messageId)
    // Of several messages with one id only the first is found by it.
    const own = known === undefined || known.message !== null ? make(message) : known
    own.message = message
    if (message.messageId !== null && (known === undefined || known === own)) nodes.set(message.messageId, own)
    let last: Node | undefined
    for (const id of message.references) {
      const node = nodeOf(id)
      if (last !== undefined && node.parent === null && !isWithin(last, node)) adopt(last, node)
      last = node
    }
    // What others said of its parent was a guess; the message itself knows, also when it names none.
    leave(own)
    if (last !== undefined && !isWithin(last, own)) adopt(last, own)
  }
  return all.filter(({ parent }) => parent === null)
}

function adopt(parent: Node, child: Node): void {
  child.parent = parent
  parent.children.push(child)
}

function leave(child: Node): void {
  const { parent } = child
  if (parent === null) return
  parent.children.splice(parent.children.indexOf(child), 1)
  child.parent = null
}

/** Whether a node is the other one or below it. */
function isWithin(node: Node, other: Node): boolean {
  // Nothing is below a leaf; without this a long thread would be walked up for each of its messages.
  if (other.children.length === 0) return node === other
  for (let at: Node | null = node; at !== null; at = at.parent) if (at === other) return true
  return false
}

/** Step 3: no missing ancestors but those that hold several branches together at the top. */
function prune(roots: readonly Node[]): Node[] {
  const order: Node[] = [...roots]
  for (let at = 0; at < order.length; at += 1) order.push(...(order[at]?.children ?? []))
  // Deepest first.
  for (const node of order.toReversed()) {
    node.children = node.children.flatMap(child => (child.message === null ? child.children : [child]))
    for (const child of node.children) child.parent = node
  }
  const kept: Node[] = []
  for (const node of roots) {
    if (node.message !== null || node.children.length > 1) kept.push(node)
    else kept.push(...node.children)
  }
  for (const node of kept) node.parent = null
  return kept
}

/** Of a missing ancestor, what its first child says. */
function leading(node: Node): Threadable | null {
  return node.message ?? node.children[0]?.message ?? null
}

function compareNodes(a: Node, b: Node): number {
  const [left, right] = [leading(a), leading(b)]
  return left === null || right === null ? 0 : byDate(left, right)
}

/** Step 4. */
function sortByDate(roots: Node[]): void {
  for (const root of roots) if (root.message === null) root.children.sort(compareNodes)
  roots.sort(compareNodes)
}

/** Step 6. */
function sortDeep(roots: Node[]): void {
  const work: Node[][] = [roots]
  const levels: Node[][] = []
  for (let level = work.pop(); level !== undefined; level = work.pop()) {
    levels.push(level)
    for (const { children } of level) if (children.length > 0) work.push(children)
  }
  // A missing ancestor is compared by its first child, so children come first.
  for (const level of levels.toReversed()) level.sort(compareNodes)
}

/** Step 5: threads that only lost their references belong together. */
function gatherSubjects(roots: readonly Node[]): Node[] {
  const table = new Map<string, Node>()
  for (const root of roots) {
    const subject = leading(root)?.subject ?? ''
    if (subject === '') continue
    const known = table.get(subject)
    const isBetter =
      known === undefined ||
      (known.message !== null && root.message === null) ||
      (isAnswer(known) && !isAnswer(root) && !(known.message === null && root.message !== null))
    if (isBetter) table.set(subject, root)
  }
  const merged = new Set<Node>()
  const replaced = new Map<Node, Node>()
  for (const root of roots) {
    const subject = leading(root)?.subject ?? ''
    const target = subject === '' ? undefined : table.get(subject)
    if (target === undefined || target === root || merged.has(root)) continue
    if (target.message === null) {
      target.children.push(...(root.message === null ? root.children : [root]))
      merged.add(root)
    } else if (isAnswer(root) && !isAnswer(target)) {
      target.children.push(root)
      merged.add(root)
    } else {
      const both: Node = { message: null, parent: null, children: [target, root] }
      table.set(subject, both)
      replaced.set(target, both)
      merged.add(root)
    }
  }
  return roots.filter(root => !merged.has(root)).map(root => replaced.get(root) ?? root)
}

function isAnswer(node: Node): boolean {
  return leading(node)?.isReply ?? false
}

function latestOf(root: Node): number {
  let latest = 0
  const work = [root]
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    latest = Math.max(latest, node.message?.date ?? 0)
    work.push(...node.children)
  }
  return latest
}

/** The same tree without what only building it needed. */
function asThread(root: Node): Thread {
  interface Built {
    number: number | null
    children: Built[]
  }
  const top: Built = { number: root.message?.number ?? null, children: [] }
  const work: Array<readonly [Node, Built]> = [[root, top]]
  for (let pair = work.pop(); pair !== undefined; pair = work.pop()) {
    const [node, built] = pair
    for (const child of node.children) {
      const copy: Built = { number: child.message?.number ?? null, children: [] }
      built.children.push(copy)
      work.push([child, copy])
    }
  }
  return top
}
