import { failure } from '@postern/contract'
import { endpoints, type Output } from '@postern/contract/endpoints'
import type { BanEntry, Bans } from '#services/access'
import { type BoundEndpoint, bind } from './handlers.ts'
import { pageOf } from './page.ts'
import { timestampOf } from './timestamp.ts'

const { createBan, getBan, liftBan, listBans } = endpoints.bans

type BanOutput = Output<typeof getBan>

export function banHandlers(bans: Bans): readonly BoundEndpoint[] {
  return [
    bind(listBans, async (_caller, { filter, ...page }) => {
      const { items, total } = await bans.list({ ...pageOf(page), ...(filter !== undefined && { filter }) })
      return { total, items: items.map(shown) }
    }),
    bind(getBan, async (_caller, { address, length }) => {
      const found = await bans.find(targetOf(address, length))
      if (found === undefined) throw failure('resourceNotFound')
      return shown(found)
    }),
    bind(createBan, async (caller, { body }, request) => {
      const expiresAt = body.expiresAt == null ? undefined : Date.parse(body.expiresAt)
      if (Number.isNaN(expiresAt)) throw failure('invalidParameters', { detail: 'expiresAt is no date with time (RFC 3339)' })
      const author = caller.name
      return shown(
        await bans.banByHand({ target: body.address, reason: body.reason ?? '', expiresAt, author, from: request.peer.remoteIp }),
      )
    }),
    bind(liftBan, async (caller, { address, length }) => {
      if (!(await bans.lift(targetOf(address, length), caller.name))) throw failure('resourceNotFound')
      return null
    }),
  ]
}

/** A network comes as one element with an encoded slash, or as two. */
function targetOf(address: string, length: string | undefined): string {
  return length === undefined ? address : `${address}/${length}`
}

function shown({ target, ban }: BanEntry): BanOutput {
  return {
    address: target,
    reason: (ban?.reason ?? null) as BanOutput['reason'],
    evidence: ban?.evidence ?? null,
    author: ban?.author ?? null,
    createdAt: ban === undefined ? null : timestampOf(ban.createdAt),
    expiresAt: ban?.expiresAt === undefined ? null : timestampOf(ban.expiresAt),
    count: ban?.events ?? 0,
  }
}
