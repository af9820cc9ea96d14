import { createHash } from 'node:crypto'
import type { HttpReply } from '#base/http'
import type { Texts } from './texts.ts'

export interface Field {
  readonly name: 'login' | 'password' | 'totp' | 'code'
  readonly label: string
  readonly value?: string
  readonly hint?: string
}

export interface Page {
  readonly status: number
  readonly language: string
  readonly title: string
  readonly paragraphs: readonly string[]
  readonly alert?: string | undefined
  readonly form?: {
    /** Path it is sent to. */
    readonly action: string
    readonly hidden: Readonly<Record<string, string | undefined>>
    readonly fields: readonly Field[]
    /** Where the answer may send the browser: a source of CSP. */
    readonly target?: string | undefined
  }
}

const attributes: Readonly<Record<Field['name'], string>> = {
  login: 'type="text" autocomplete="username" autocapitalize="none" spellcheck="false"',
  password: 'type="password" autocomplete="current-password"',
  totp: 'type="text" inputmode="numeric" pattern="[0-9]{6,8}" autocomplete="one-time-code"',
  code: 'type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"',
}

const style = `
:root{color-scheme:light dark;--text:#1a1a1a;--back:#fff;--line:#6b6b6b;--accent:#0b57b0;--on-accent:#fff;--bad:#a40000}
@media(prefers-color-scheme:dark){:root{--text:#f0f0f0;--back:#161616;--line:#a0a0a0;--accent:#8ab8ff;--on-accent:#10203a;--bad:#ff9c9c}}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
main{max-width:26rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.5rem;line-height:1.25}
label{display:block;margin-top:1rem;font-weight:600}
input{width:100%;min-height:2.75rem;padding:.5rem;font:inherit;color:inherit;background:var(--back);border:1px solid var(--line);border-radius:.25rem}
.hint{margin:.25rem 0 0}
.alert{padding:.75rem;border:2px solid var(--bad);border-radius:.25rem;color:var(--bad);font-weight:600}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
button{min-height:2.75rem;padding:.5rem 1.25rem;font:inherit;border:1px solid var(--accent);border-radius:.25rem;color:var(--accent);background:var(--back);cursor:pointer}
button[value=allow]{color:var(--on-accent);background:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
`.trim()
const styleHash = createHash('sha256').update(style).digest('base64')

export function renderPage(page: Page, texts: Texts): HttpReply {
  const { status, language, title, paragraphs, alert, form } = page
  const body = [
    '<!doctype html>',
    `<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escapeHtml(alert === undefined ? title : `${texts.problem}: ${title}`)}</title><style>${style}</style></head><body><main>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...(alert === undefined ? [] : [`<p class="alert" role="alert" id="problem">${escapeHtml(alert)}</p>`]),
    ...paragraphs.map(paragraph => `<p>${escapeHtml(paragraph)}</p>`),
    ...(form === undefined ? [] : renderForm(form, texts, alert !== undefined)),
    '</main></body></html>',
  ].join('\n')
  return {
    status,
    headers: {
      // The document says that it is UTF-8.
      'Content-Type': 'text/html',
      'Content-Language': language,
      // A browser holds the redirection after a form to `form-action` as well.
      'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'${form?.target ? ` ${form.target}` : ''}; frame-ancestors 'none'; base-uri 'none'`,
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      // With no referrer at all browsers would send `Origin: null` with the form.
      'Referrer-Policy': 'same-origin',
      'Cache-Control': 'no-store',
    },
    body,
  }
}

function renderForm({ action, hidden, fields }: NonNullable<Page['form']>, texts: Texts, hasAlert: boolean): readonly string[] {
  return [
    `<form method="post" action="${escapeHtml(action)}"${hasAlert ? ' aria-describedby="problem"' : ''}>`,
    ...Object.entries(hidden).flatMap(([name, value]) =>
      value === undefined ? [] : [`<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`],
    ),
    ...fields.map(({ name, label, value = '', hint }) =>
      [
        `<label for="${name}">${escapeHtml(label)}</label>`,
        `<input id="${name}" name="${name}" ${attributes[name]} required value="${escapeHtml(value)}"${hint ? ` aria-describedby="${name}-hint"` : ''}>`,
        ...(hint ? [`<p class="hint" id="${name}-hint">${escapeHtml(hint)}</p>`] : []),
      ].join('\n'),
    ),
    '<div class="actions">',
    `<button type="submit" name="action" value="allow">${escapeHtml(texts.allow)}</button>`,
    `<button type="submit" name="action" value="deny" formnovalidate>${escapeHtml(texts.deny)}</button>`,
    '</div></form>',
  ]
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character] ?? '')
}
