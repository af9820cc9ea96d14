import { interfaceVersion } from '@postern/contract'
import { endpoints } from '@postern/contract/endpoints'
import type { HttpRequest } from '#base/http'
import type { Oauth } from '#services/oauth'
import { type BoundEndpoint, bind } from './handlers.ts'

const { authorizeClient } = endpoints.account
const open = endpoints.open

/** @param baseUrl URL of this server as clients see it */
export function oauthHandlers(oauth: Oauth, baseUrl: (request: HttpRequest) => Promise<string>): readonly BoundEndpoint[] {
  return [
    bind(authorizeClient, async (caller, { body }) => {
      if (body.type === 'device') return oauth.approveDevice(caller, body.code)
      const code = await oauth.authorize(caller, {
        clientId: body.client_id,
        redirectUri: body.redirect_uri,
        nonce: body.nonce,
        codeChallenge: body.code_challenge,
        codeChallengeMethod: body.code_challenge_method,
      })
      return { code, permissions: [...caller.rights], version: interfaceVersion, isEnterprise: true }
    }),
    bind(open.startDeviceLogin, async (_, { body }, request) =>
      oauth.startDevice({ clientId: body.client_id, nonce: body.nonce }, await baseUrl(request)),
    ),
    bind(open.getToken, async (_, { body }, request) => oauth.exchange(body, await baseUrl(request))),
    bind(open.introspectToken, (_, { body }) => oauth.introspect(body.token)),
    bind(open.getUserInfo, caller => oauth.userInfo(caller)),
    bind(open.registerClient, (_, { body }) => oauth.register(body)),
    bind(open.getSigningKeys, async () => ({ keys: [...(await oauth.publicKeys())] })),
    bind(open.getOauthMetadata, async (_, __, request) => oauth.oauthMetadata(await baseUrl(request))),
    bind(open.getOpenIdMetadata, async (_, __, request) => oauth.openIdMetadata(await baseUrl(request))),
    bind(open.getRobots, async () => 'User-agent: *\nDisallow: /\n'),
  ]
}

/** Tokens for streams that a browser opens without being able to log in. */
export function streamTokenHandlers(oauth: Oauth): readonly BoundEndpoint[] {
  return [
    bind(endpoints.troubleshoot.getTroubleshootToken, caller => oauth.streamToken(caller, 'troubleshoot')),
    bind(endpoints.telemetry.getTracingToken, caller => oauth.streamToken(caller, 'live-tracing')),
    bind(endpoints.telemetry.getMetricsToken, caller => oauth.streamToken(caller, 'live-metrics')),
  ]
}
