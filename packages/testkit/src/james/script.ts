// Scripts of Apache James's protocol tests: `C:` lines are sent, `S:` lines are patterns of what should come.

export type Step =
  | { readonly kind: 'session'; readonly session: number }
  /** Lines without their line ends. */
  | { readonly kind: 'send'; readonly lines: readonly string[] }
  /** Patterns of Java, which those of JavaScript are enough like. */
  | { readonly kind: 'expect'; readonly patterns: readonly string[] }

/** @param source one character per byte */
export function readJamesScript(source: string): readonly Step[] {
  const steps: Step[] = []
  for (const raw of source.split(/\r?\n/)) {
    const [, kind, text = ''] = /^([A-Z]+): ?(.*)$/.exec(raw) ?? []
    const last = steps.at(-1)
    if (kind === 'SESSION') steps.push({ kind: 'session', session: Number(text) })
    else if (kind === 'C') {
      if (last?.kind === 'send') steps[steps.length - 1] = { kind: 'send', lines: [...last.lines, text] }
      else steps.push({ kind: 'send', lines: [text] })
    } else if (kind === 'S') {
      if (last?.kind === 'expect') steps[steps.length - 1] = { kind: 'expect', patterns: [...last.patterns, text] }
      else steps.push({ kind: 'expect', patterns: [text] })
    }
  }
  return steps
}
