// The page on which a person logs in and lets a client or a device in (RFC 6749 §3.1, RFC 8628 §3.3). It works without scripts: each
// form carries all that it is about, the credentials included, so that there is no login to ride on.
import { Failure, failure } from '@postern/contract'
import { endpoints, type Input } from '@postern/contract/endpoints'
import type { HttpReply, HttpRequest } from '#base/http'
import type { Trace } from '#base/trace'
import type { Access } from '#services/access'
import type { Caller } from '#services/directory'
import { type Client, isRegistered, type Oauth } from '#services/oauth'
import { type BoundEndpoint, bindPage } from '../handlers.ts'
import { type Field, renderPage } from './html.ts'
import { type Texts, textsFor } from './texts.ts'

const { authorizePage, submitAuthorization } = endpoints.open

export interface AuthorizeParts {
  readonly oauth: Oauth
  readonly access: Access
  readonly baseUrl: (request: HttpRequest) => Promise<string>
  readonly trace: Trace
}

type Asked = Pick<Sent, Exclude<keyof Sent, 'login' | 'password' | 'totp' | 'action'>> & { readonly prompt?: string | undefined }
type Sent = Input<typeof submitAuthorization>['body']

/** What is asked for, once it is known that the browser may be sent back. */
interface CodeRequest {
  readonly client: Client
  readonly redirectUri: string
  /** Whether the client registered the address: only then a browser goes there without a person's doing. */
  readonly isTrusted: boolean
}

export function authorizeHandlers({ oauth, access, baseUrl, trace }: AuthorizeParts): readonly BoundEndpoint[] {
  async function logIn({ login, password, totp }: Sent, request: HttpRequest): Promise<Caller> {
    const secret = totp ? `${password}$${totp.replaceAll(' ', '')}` : (password ?? '')
    const caller = await access.authenticate({ kind: 'password', login: login ?? '', secret }, { remoteIp: request.peer.remoteIp, trace })
    await access.admit(caller)
    return caller
  }

  /** Where to go back to, or what is wrong with that. */
  async function readCodeRequest({ client_id = '', redirect_uri = '' }: Asked, texts: Texts): Promise<CodeRequest | string> {
    try {
      oauth.checkRequest({ clientId: client_id, redirectUri: redirect_uri })
    } catch (error) {
      if (error instanceof Failure && error.code === 'other') return texts.requestWrong(String(error.details['details']))
      throw error
    }
    if (redirect_uri === '') return texts.requestWrong(texts.redirectMissing)
    const client = await oauth.client(client_id)
    const isTrusted = isRegistered(redirect_uri, client.redirectUris ?? [])
    return client.redirectUris !== undefined && !isTrusted
      ? texts.requestWrong(texts.redirectForeign)
      : { client, redirectUri: redirect_uri, isTrusted }
  }

  /** RFC 6749 §4.1.2.1 */
  function protocolProblem(asked: Asked, texts: Texts): { readonly error: string; readonly text: string } | undefined {
    if (asked.response_type && asked.response_type !== 'code')
      return { error: 'unsupported_response_type', text: texts.requestWrong(texts.responseTypeWrong) }
    try {
      oauth.checkRequest(serviceRequest(asked))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { error: 'invalid_request', text: texts.requestWrong(texts.challengeWrong) }
    }
    if (asked.prompt?.split(' ').includes('none')) return { error: 'login_required', text: texts.requestWrong(texts.promptNone) }
    return undefined
  }

  async function backTo(
    request: HttpRequest,
    redirectUri: string,
    answer: Readonly<Record<string, string | undefined>>,
  ): Promise<HttpReply> {
    const url = new URL(redirectUri)
    // RFC 9207: a client that talks to several servers learns whose answer this is.
    for (const [name, value] of Object.entries({ ...answer, iss: await baseUrl(request) }))
      if (value !== undefined) url.searchParams.append(name, value)
    return { status: 303, headers: { Location: url.href, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' } }
  }

  async function codeFlow(request: HttpRequest, asked: Asked, sent: Sent | undefined): Promise<HttpReply> {
    const { language, texts } = textsFor(request.headers['accept-language'])
    const wrong = (alert: string): HttpReply => renderPage({ status: 400, language, title: texts.title, paragraphs: [], alert }, texts)
    if (sent === undefined && !asked.client_id && !asked.redirect_uri)
      return renderPage({ status: 200, language, title: texts.title, paragraphs: [texts.opensFromApp] }, texts)
    const read = await readCodeRequest(asked, texts)
    if (typeof read === 'string') return wrong(read)
    const { client, redirectUri, isTrusted } = read
    const problem = protocolProblem(asked, texts)
    if (problem !== undefined)
      return isTrusted ? backTo(request, redirectUri, { error: problem.error, state: asked.state }) : wrong(problem.text)

    const show = (status: number, alert?: string, withTotp = false): HttpReply =>
      renderPage(
        {
          status,
          language,
          title: texts.title,
          alert,
          paragraphs: [
            texts.clientWants(client.name ?? client.id),
            texts.clientGoesTo(placeOf(redirectUri)),
            ...(client.redirectUris === undefined ? [texts.clientUnknown] : []),
          ],
          form: {
            action: request.path,
            hidden: hiddenOf(asked),
            fields: loginFields(texts, sent, withTotp),
            target: sourceOf(redirectUri),
          },
        },
        texts,
      )
    if (sent === undefined) return show(200)
    if (sent.action === 'deny') return backTo(request, redirectUri, { error: 'access_denied', state: asked.state })
    return withLogin(request, sent, texts, show, async caller => {
      const wanted = serviceRequest(asked)
      if (!(await oauth.isClientAllowed(caller, wanted))) return show(403, texts.clientRefused)
      return backTo(request, redirectUri, { code: await oauth.authorize(caller, wanted), state: asked.state })
    })
  }

  async function deviceFlow(request: HttpRequest, { code = '' }: Asked, sent: Sent | undefined): Promise<HttpReply> {
    const { language, texts } = textsFor(request.headers['accept-language'])
    const userCode = asUserCode(code)
    const waiting = userCode === '' ? undefined : await oauth.waitingDevice(userCode)
    const show = (status: number, alert?: string, withTotp = false): HttpReply =>
      renderPage(
        {
          status,
          language,
          title: texts.deviceTitle,
          alert,
          paragraphs: [...(waiting === undefined ? [] : [texts.deviceWants(waiting.name ?? waiting.id)]), texts.deviceIntroduction],
          form: {
            action: request.path,
            hidden: {},
            fields: [{ name: 'code', label: texts.deviceCode, value: userCode }, ...loginFields(texts, sent, withTotp)],
          },
        },
        texts,
      )
    const done = (text: string): HttpReply => renderPage({ status: 200, language, title: texts.deviceTitle, paragraphs: [text] }, texts)
    if (waiting === undefined && (userCode !== '' || sent !== undefined)) return show(400, texts.deviceUnknown)
    if (sent === undefined) return show(200)
    if (sent.action === 'deny') return done((await oauth.denyDevice(userCode)) ? texts.deviceDenied : texts.deviceUnknown)
    const onWrongLogin = (): Promise<void> => oauth.deviceLoginFailed(userCode)
    return withLogin(
      request,
      sent,
      texts,
      show,
      async caller => ((await oauth.approveDevice(caller, userCode)) ? done(texts.deviceAllowed) : show(400, texts.deviceUnknown)),
      onWrongLogin,
    )
  }

  /** What can go wrong with a login is told on the page. */
  async function withLogin(
    request: HttpRequest,
    sent: Sent,
    texts: Texts,
    show: (status: number, alert: string, withTotp?: boolean) => HttpReply,
    next: (caller: Caller) => Promise<HttpReply>,
    onWrongLogin?: () => Promise<void>,
  ): Promise<HttpReply> {
    if (!sent.login?.trim() || !sent.password) return show(400, texts.missingLogin, Boolean(sent.totp))
    try {
      return await next(await logIn(sent, request))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      switch (error.code) {
        case 'authenticationFailed':
          await onWrongLogin?.()
          return show(403, texts.wrongLogin, Boolean(sent.totp))
        case 'totpRequired':
          return show(403, texts.needTotp, true)
        case 'loginForbidden':
        case 'forbidden':
        // The account has no secret that a token could hang on.
        case 'unauthorized':
          return show(403, texts.forbidden)
        case 'tooManyAuthAttempts':
        case 'tooManyRequests':
          return waitBefore(show(429, texts.tooMany), error.details)
        case 'temporaryAuthFailure':
          return show(503, texts.unavailable)
        default:
          throw error
      }
    }
  }

  function flow(request: HttpRequest, asked: Asked, sent: Sent | undefined): Promise<HttpReply> {
    return request.path === '/authorize/code' ? codeFlow(request, asked, sent) : deviceFlow(request, asked, sent)
  }

  return [
    bindPage(authorizePage, (asked, request) => flow(request, asked, undefined)),
    bindPage(submitAuthorization, async ({ body }, request) => {
      await demandOwnPage(request, await baseUrl(request))
      return flow(request, body, body)
    }),
  ]
}

function serviceRequest(asked: Asked) {
  return {
    clientId: asked.client_id ?? '',
    redirectUri: asked.redirect_uri,
    nonce: asked.nonce,
    codeChallenge: asked.code_challenge,
    codeChallengeMethod: asked.code_challenge_method,
  }
}

function hiddenOf(asked: Asked): Readonly<Record<string, string | undefined>> {
  const { client_id, redirect_uri, state, nonce, scope, response_type, code_challenge, code_challenge_method } = asked
  return { client_id, redirect_uri, state, nonce, scope, response_type, code_challenge, code_challenge_method }
}

/** The password is never sent back: it is typed again. */
function loginFields(texts: Texts, sent: Sent | undefined, withTotp: boolean): readonly Field[] {
  return [
    { name: 'login', label: texts.login, value: sent?.login ?? '' },
    { name: 'password', label: texts.password },
    ...(withTotp ? [{ name: 'totp', label: texts.totp, hint: texts.totpHint } as const] : []),
  ]
}

/** As people type it: in small letters, with blanks or without the dash. */
function asUserCode(text: string): string {
  const letters = text.toUpperCase().replace(/[^A-Z0-9]/g, '')
  return letters.length === 8 ? `${letters.slice(0, 4)}-${letters.slice(4)}` : letters.slice(0, 20)
}

/** RFC 9110 §10.2.3 */
function waitBefore(reply: HttpReply, { retryAfterMs }: Readonly<Record<string, unknown>>): HttpReply {
  if (typeof retryAfterMs !== 'number') return reply
  return { ...reply, headers: { ...reply.headers, 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } }
}

/** Host, or scheme of an application. */
function placeOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  return protocol === 'https:' || protocol === 'http:' ? host : `${protocol.slice(0, -1)}`
}

/** CSP has no word for an IPv6 address. */
function sourceOf(redirectUri: string): string {
  const { protocol, host, hostname } = new URL(redirectUri)
  const isHost = (protocol === 'https:' || protocol === 'http:') && !hostname.startsWith('[')
  return isHost ? `${protocol}//${host}` : protocol
}

/** A form of another site must not log anybody in. Browsers tell where a form comes from; programs need not. */
async function demandOwnPage({ headers, path }: HttpRequest, base: string): Promise<void> {
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return
  const { origin, host } = headers
  const isOwn = origin === undefined || (URL.canParse(origin) && [host, new URL(base).host].includes(new URL(origin).host))
  if (site !== undefined || !isOwn) throw failure('forbidden', { permission: `form of another origin for ${path}` })
}
